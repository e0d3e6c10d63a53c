"""`penstock`: the group of verbs, and the one place where failures become exit codes."""

from __future__ import annotations

import os
import sys
import threading
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, NoReturn

import click
from click.shell_completion import shell_complete

from penstock.cli import failure
from penstock.cli.output import wants_json

if TYPE_CHECKING:
    from collections.abc import Sequence

VERBS = ("init", "lint", "explain", "run", "verify", "demo")
"""As `--help` lists them; each is a module of this package with a command of its name."""

COMPLETE = "_PENSTOCK_COMPLETE"
EPILOG = """\b
Exit codes:
  0   done
  1   lint or verify found something
  2   wrong command line
  65  too many records were rejected
  69  a source or sink can't be used: broker down, topic missing, path not writable
  70  a bug in Penstock, or a step of the pipeline failed
  75  gave up after retries; starting again is safe
  76  a partition's position does not fit its source
  78  wrong configuration or credentials, or a table of another job

\b
Environment:
  PENSTOCK__SECTION__KEY  overrides a key of the pipeline file
  NO_COLOR                no colours in logs
  PENSTOCK_TRACEBACK=1    traceback of a bug

\b
Signals to `run`:
  SIGTERM, SIGINT  commit what is open and stop; a second one quits at once
  SIGUSR1          log where every thread and task stands
"""


def _print_version(context: click.Context, _parameter: click.Parameter, value: bool) -> None:
    if value and not context.resilient_parsing:
        from penstock._native import build_info  # noqa: PLC0415 - only here

        info = build_info()
        details = ", ".join(f"{name} {text}" for name, text in info.items() if name != "version")
        click.echo(f"penstock {info['version']} ({details})")
        context.exit()


class Verbs(click.Group):
    """Imports a verb when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's interface
        """See `click.Group`."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """See `click.Group`."""
        if cmd_name not in VERBS:
            return None
        command: click.Command = getattr(import_module(f"penstock.cli.{cmd_name}"), cmd_name)
        return command


@click.group(
    cls=Verbs, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120}
)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version, help="Print the version."
)
def cli() -> None:
    """Move event streams from Kafka into Parquet tables: nothing lost, nothing twice."""


def invoke(arguments: Sequence[str]) -> int:
    """Run one command line; its exit code."""
    try:
        with cli.make_context("penstock", list(arguments)) as context:
            cli.invoke(context)
        sys.stdout.flush()
    except click.exceptions.Exit as ended:
        return ended.exit_code
    except click.exceptions.NoArgsIsHelpError as asked:
        click.echo(asked.format_message())
        return 2
    except SystemExit:
        raise
    except BaseException as error:  # noqa: BLE001 - every failure ends here
        return failure.report(error, as_json=wants_json(arguments))
    return 0


def main() -> NoReturn:
    """Entry point of the `penstock` script; with `_PENSTOCK_COMPLETE` it answers a shell that completes words."""
    instruction = os.environ.get(COMPLETE)
    if instruction is not None:
        sys.exit(shell_complete(cli, {}, "penstock", COMPLETE, instruction))
    _end(invoke(sys.argv[1:]))


def _end(exit_code: int) -> NoReturn:
    """End the process. Where no thread is left to wait for, without taking apart all that is in memory: 40 ms."""
    if threading.active_count() == 1:
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):  # Nobody reads it any more, which `invoke` has noticed.
                stream.flush()
        os._exit(exit_code)
    sys.exit(exit_code)


if __name__ == "__main__":
    main()
