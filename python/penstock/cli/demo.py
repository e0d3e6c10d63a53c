"""`penstock demo`."""

from __future__ import annotations

import click

from penstock.cli.output import output_option

EPILOG = """\b
Examples:
  penstock demo ./events
  penstock demo ./events --dead-letters ./events-dead
  penstock demo ./events --output json
"""


@click.command(epilog=EPILOG)
@click.argument("location")
@click.option("--dead-letters", metavar="LOCATION", help="The table of rejected records that belongs to it.")
@output_option
def demo(location: str, *, dead_letters: str | None, output: str) -> None:
    """Check the table at LOCATION: nothing lost, nothing twice."""
