"""`penstock verify`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from penstock.cli.output import output_option, show

EPILOG = """\b
Examples:
  penstock verify ./events
  penstock verify ./events --dead-letters ./events-dead
  penstock verify ./events --output json
"""
FOUND = 1


@click.command(epilog=EPILOG)
@click.argument("location", type=click.Path(path_type=Path))
@click.option(
    "--dead-letters", type=click.Path(path_type=Path), metavar="LOCATION", help="The table of its rejected records."
)
@output_option
@click.pass_context
def verify(context: click.Context, location: Path, *, dead_letters: Path | None, output: str) -> None:
    """Check the table at LOCATION: nothing lost, nothing twice.

    Reads every file's metadata: ranges of offsets from the first one ever wanted without hole or overlap, counts that
    add up, one owner. Needs no broker and changes nothing. Exits 1 if something is found.
    """
    from penstock.verify.verify import verify as check  # noqa: PLC0415 - keeps `--help` fast

    report = asdict(check(location, dead_letters))
    findings, notes = report["findings"], report["notes"]
    show(report if output == "json" else {**report, "findings": len(findings), "notes": len(notes)}, output)
    if output == "text":
        for line in (*findings, *(f"note: {note}" for note in notes)):
            click.echo(line)
    if findings:
        context.exit(FOUND)
