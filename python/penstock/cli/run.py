"""`penstock run`."""

from __future__ import annotations

import gc
import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from penstock.cli.output import output_option, set_option, show

if TYPE_CHECKING:
    from collections.abc import Sequence

EPILOG = """\b
Examples:
  penstock run pipeline.toml
  penstock run pipeline.toml --until-end --output json
  penstock run pipeline.toml --dry-run --max-records 10
  cat events.ndjson | penstock run - --set sink.path=./out --set decode.columns.event_id=string
  penstock run pipeline.toml --set sink.cut.age=30s --set source.topics='["a", "b"]'
  PENSTOCK__SINK__PATH=/data/events penstock run pipeline.toml
"""


@click.command(epilog=EPILOG)
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
@click.option("--until-end", is_flag=True, help="Stop at the end the topics have at the start; files do.")
@click.option("--max-records", type=click.IntRange(min=1), metavar="N", help="Stop after about N decoded records.")
@click.option("--dry-run", is_flag=True, help="Print rows instead; join no group, write and commit nothing.")
@click.option("--take-over", is_flag=True, help="Continue a table that was written under another pipeline name.")
@set_option
@output_option
def run(
    file: Path,
    *,
    until_end: bool,
    max_records: int | None,
    dry_run: bool,
    take_over: bool,
    flags: Sequence[str],
    output: str,
) -> None:
    """Run the pipeline in FILE until it is stopped; a source of files ends by itself.

    FILE "-" means no pipeline file: records are read from standard input, one JSON object per line, and --set says the
    rest.

    A flag is stronger than an environment variable PENSTOCK__SECTION__KEY, and that is stronger than the file. Relative
    paths in FILE are relative to the current directory. SIGTERM or Ctrl-C drains and commits within
    pipeline.shutdown_grace; a second one quits at once, and a restart continues where the last commit ended.
    """
    gc.disable()  # Nothing that is imported is garbage; `run_daemon` turns it on again.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # Else it looks into every package that is installed.
    from penstock.config import load  # noqa: PLC0415 - keeps `--help` fast
    from penstock.telemetry import log  # noqa: PLC0415

    config = load(file, flags)
    log.configure(config.telemetry.log, config.telemetry.log_level)

    from penstock.daemon.run import RunOptions  # noqa: PLC0415
    from penstock.daemon.run import run as run_daemon  # noqa: PLC0415

    options = RunOptions(
        until_end=until_end, max_records=max_records, dry_run=dry_run, take_over=take_over, output=output
    )
    show(asdict(run_daemon(config, options)), output)
