"""What a failure looks like to who called us: one clear message on stderr and an exit code, never a traceback."""

from __future__ import annotations

import json
import os
import select
import sys
import traceback
from pathlib import Path

import click

import penstock
from penstock.errors import InternalError, PenstockError, UsageError

CODES = {
    2: "usage",
    65: "dead_letter_limit",
    69: "unavailable",
    70: "internal",
    75: "gave_up",
    76: "position",
    78: "config",
    130: "interrupted",
}
CONTINUED = "\n       "
"""Further lines stand below the first one's text."""
INTERRUPTED = 130
BROKEN_PIPE = 141
TRACEBACK_VARIABLE = "PENSTOCK_TRACEBACK"


def report(error: BaseException, *, as_json: bool) -> int:
    """Tell what went wrong; the process's exit code.

    Expected failures are told in full, notes as hints. Anything else is a bug: its type and place are told, not
    its text, which may hold a payload. With `as_json` stdout also gets `{"error": {"code", "message"}}`.
    """
    error = _innermost(error)
    match error:
        case BrokenPipeError() if _reader_is_gone():
            _forget_stdout()
            return BROKEN_PIPE
        case KeyboardInterrupt() | click.Abort():
            code, message, hints = INTERRUPTED, "interrupted", []
        case click.ClickException():
            code, message, hints = UsageError.exit_code, error.format_message(), _usage_hints(error)
        case PenstockError():
            code, message, hints = error.exit_code, str(error), list(getattr(error, "__notes__", ()))
        case _:
            code, message, hints = InternalError.exit_code, _bug(error), []
            if _shows_traceback():
                traceback.print_exception(error)
            else:
                hints = [f"run again with {TRACEBACK_VARIABLE}=1 and report it with the traceback"]
    click.echo(f"error: {message}".replace("\n", CONTINUED), err=True)
    for hint in hints:
        click.echo(f"hint: {hint}", err=True)
    if as_json:
        try:
            click.echo(json.dumps({"error": {"code": CODES.get(code, "internal"), "message": message}}))
        except BrokenPipeError:
            _forget_stdout()
    return code


def _innermost(error: BaseException) -> BaseException:
    """The first failure inside groups of them: a task group cancels the rest."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _usage_hints(error: click.ClickException) -> list[str]:
    context = error.ctx if isinstance(error, click.UsageError) else None
    return [f"see `{context.command_path} --help`"] if context else []


def _bug(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    package = str(Path(penstock.__file__).parent)
    ours = [frame for frame in frames if frame.filename.startswith(package)] or frames
    place = f" at {Path(ours[-1].filename).name}:{ours[-1].lineno} in {ours[-1].name}" if ours else ""
    return f"this is a bug in Penstock: {type(error).__qualname__}{place}"


def _shows_traceback() -> bool:
    logging = sys.modules.get("logging")
    debug = logging is not None and logging.getLogger("penstock").getEffectiveLevel() == logging.DEBUG
    return bool(debug or os.environ.get(TRACEBACK_VARIABLE))


def _reader_is_gone() -> bool:
    """Whether it is stdout that broke; a broker's connection breaks with the same exception."""
    stdout = select.poll()
    stdout.register(sys.stdout, 0)
    return any(events & (select.POLLERR | select.POLLHUP) for _, events in stdout.poll(0))


def _forget_stdout() -> None:
    """The reader is gone: without this the interpreter would complain when it flushes at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
