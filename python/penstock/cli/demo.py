"""`penstock demo`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from penstock.cli.output import output_option, show

EPILOG = """\b
Examples:
  penstock demo
  penstock demo --records 5000000 --path ./demo-large
  penstock demo --output json
"""


@click.command(epilog=EPILOG)
@click.option("--records", type=click.IntRange(min=1), default=500_000, show_default=True, help="Events to produce.")
@click.option("--path", type=click.Path(path_type=Path), help="A new or empty directory.  [default: demo-events]")
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed gives the same events.")
@output_option
def demo(*, records: int, path: Path | None, seed: int, output: str) -> None:
    """Stream generated agent events through Kafka into Parquet, and count them.

    Starts a Kafka broker inside the process, on 127.0.0.1, and runs a real pipeline file on it. The tables, the
    pipeline file and its log stay where --path says. Needs the extra: pip install "penstock[demo]".
    """
    from penstock.demo.demo import DemoOptions, run_demo  # noqa: PLC0415 - keeps `--help` fast

    result = run_demo(DemoOptions(records=records, path=path, seed=seed))
    if output == "json":
        show(asdict(result), output)
    else:
        from rich.console import Console  # noqa: PLC0415

        from penstock.demo.display import show_result  # noqa: PLC0415

        show_result(result, Console())
