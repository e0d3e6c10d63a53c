"""`penstock verify`."""

from __future__ import annotations

import click

from penstock.cli.output import output_option

EPILOG = """\b
Examples:
  penstock verify ./events
  penstock verify ./events --dead-letters ./events-dead
  penstock verify ./events --output json
"""


@click.command(epilog=EPILOG)
@click.argument("location")
@click.option("--dead-letters", metavar="LOCATION", help="The table of rejected records that belongs to it.")
@output_option
def verify(location: str, *, dead_letters: str | None, output: str) -> None:
    """Check the table at LOCATION: nothing lost, nothing twice."""
