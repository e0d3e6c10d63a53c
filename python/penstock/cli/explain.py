"""`penstock explain`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from penstock.cli.output import output_option, set_option, show

if TYPE_CHECKING:
    from collections.abc import Sequence

EPILOG = """\b
Examples:
  penstock explain pipeline.toml
  penstock explain pipeline.toml --set sink.cut.age=1m
  penstock explain pipeline.toml --sample events.ndjson
  penstock explain pipeline.toml --output json
"""


@click.command(epilog=EPILOG)
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--sample",
    type=click.Path(path_type=Path),
    metavar="FILE.ndjson",
    help="Records to infer columns from, if FILE declares none; .gz and .zst too.",
)
@set_option
@output_option
def explain(file: Path, *, sample: Path | None, flags: Sequence[str], output: str) -> None:
    """Say what the pipeline in FILE does, and with what settings.

    Every setting with where its value comes from, every column, the table's columns after each step, when files are
    committed, how much memory is used. Needs no broker, reads no table, and shows no secret.
    """
    from penstock.explain.explain import explain as read  # noqa: PLC0415 - keeps `--help` fast
    from penstock.explain.text import text  # noqa: PLC0415

    explained = read(file, flags, sample=sample)
    if output == "json":
        show(asdict(explained.explanation), output)
    else:
        for line in text(explained):
            click.echo(line)
