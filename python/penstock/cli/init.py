"""`penstock init`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from penstock.cli.output import output_option, show

EPILOG = """\b
Examples:
  penstock init
  penstock init --from events.ndjson
  penstock init --from logs/events.ndjson.gz pipelines/events.toml
  penstock init --from kafka://localhost:9092/agent-events
"""


@click.command(epilog=EPILOG)
@click.argument("file", type=click.Path(path_type=Path), default="pipeline.toml", metavar="[FILE]")
@click.option(
    "--from",
    "origin",
    metavar="SAMPLE",
    help="A file with one JSON object per line (.gz and .zst too), or kafka://host:port/topic.",
)
@click.option("--force", is_flag=True, help="Write over files that exist.")
@output_option
def init(file: Path, *, origin: str | None, force: bool, output: str) -> None:
    """Write a commented pipeline file, to pipeline.toml if FILE is not given.

    With --from its columns are inferred from the first records there, with a comment each: how often it is present,
    and why it has its type. Values are never written. Without --from it comes with sample events, and runs at once.
    """
    from penstock.init.init import init as write  # noqa: PLC0415 - keeps `--help` fast
    from penstock.telemetry import log  # noqa: PLC0415

    log.configure("text", "warning")
    written = write(file, origin, force=force)
    if output == "json":
        show(asdict(written), output)
        return
    click.echo(f"{written.file}: {written.columns} columns, inferred from {written.records:,} records.")
    if written.sample_file is not None:
        click.echo(f"{written.sample_file}: events to try it with, some of them malformed on purpose.")
    if written.damage is not None:
        click.echo(f"The sample ends early: {written.damage}.", err=True)
    if written.undecodable:
        click.echo(f"{written.undecodable:,} records of the sample can't be decoded; they would be dead letters.")
    click.echo(f"Next: penstock run {written.file} --dry-run --max-records 10")
