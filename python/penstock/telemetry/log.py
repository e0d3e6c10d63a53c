"""Logs: one line per event on stderr, for people or as JSON.

The text is a sentence with a capital and a period; values are keys. Warnings of libraries (aiokafka, asyncio) come out
in the same form, never below WARNING: at DEBUG aiokafka formats every response.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from typing import TYPE_CHECKING, Any, Literal, TextIO

import structlog

if TYPE_CHECKING:
    from collections.abc import Callable

    from structlog.typing import EventDict, FilteringBoundLogger, WrappedLogger

REPEAT_SECONDS = 60.0
REMEMBERED_LINES = 1000
SECRET_WORDS = ("password", "secret", "token", "credential", "sasl_plain")
COLOURS = {"debug": "\033[2m", "warning": "\033[33m", "error": "\033[31m", "critical": "\033[31m"}
RESET = "\033[0m"


class NamedLogger(structlog.PrintLogger):
    """Writes whole lines; knows whose they are."""

    def __init__(self, name: str, stream: TextIO) -> None:
        """`name` is the module or library that speaks."""
        super().__init__(stream)
        self.name = name


def configure(log: Literal["text", "json"], level: str, stream: TextIO | None = None) -> None:
    """Set up logging for the process; call once, before the first line. `stream` is stderr unless said."""
    stream = stream or sys.stderr
    threshold = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            hide_secrets,
            render_json if log == "json" else TextRenderer(colours=stream.isatty() and not os.environ.get("NO_COLOR")),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=lambda name="penstock": NamedLogger(name, stream),
        cache_logger_on_first_use=False,
    )
    logging.getLogger("penstock").setLevel(threshold)
    logging.basicConfig(level=max(threshold, logging.WARNING), handlers=[Forward()], force=True)


def get_logger(name: str) -> FilteringBoundLogger:
    """The logger of a module. May be called at import time: what `configure` sets applies at the first line."""
    logger: FilteringBoundLogger = structlog.get_logger(name)
    return logger


def hide_secrets(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Replace values whose key says that they are secret."""
    for key in event:
        if any(word in key.lower() for word in SECRET_WORDS) and not isinstance(event[key], int | float):
            event[key] = "***"
    return event


def render_json(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    """One JSON object; what JSON can't say is said in words."""
    return json.dumps(event, default=str, ensure_ascii=False)


class TextRenderer:
    """`2026-05-01T12:00:00.123456Z info  Committed a file.  rows=200 logger=penstock.commit`."""

    def __init__(self, *, colours: bool) -> None:
        """With `colours` the level is coloured by its weight."""
        self._colours = colours

    def __call__(self, _logger: WrappedLogger, _method: str, event: EventDict) -> str:
        """Render one event."""
        level, stamp = event.pop("level"), event.pop("timestamp")
        text, exception = event.pop("event"), event.pop("exception", None)
        logger = event.pop("logger")
        level_text = f"{level:<7}"
        if self._colours and level in COLOURS:
            level_text = f"{COLOURS[level]}{level_text}{RESET}"
        keys = " ".join(f"{key}={_plain(value)}" for key, value in [*event.items(), ("logger", logger)])
        return f"{stamp} {level_text} {text}  {keys}" + (f"\n{exception}" if exception else "")


class Forward(logging.Handler):
    """Library warnings in our form. Exceptions by type and text only; with debug also the traceback.

    aiokafka's errors are warnings here: it tries again, and what it can't mend ends the process with an error of ours.
    A line that repeats is passed on once a minute, with how often it was held back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` counts seconds."""
        super().__init__()
        self._clock = clock
        self._seen: dict[tuple[str, str], tuple[float, int]] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Pass a record on, or count it."""
        key, now = (record.name, str(record.msg)), self._clock()
        last, held_back = self._seen.get(key, (None, 0))
        if last is not None and now - last < REPEAT_SECONDS:
            self._seen[key] = (last, held_back + 1)
            return
        if len(self._seen) >= REMEMBERED_LINES:
            self._seen.clear()
        self._seen[key] = (now, 0)
        values: dict[str, Any] = {"repeated": held_back} if held_back else {}
        if record.exc_info and record.exc_info[1]:
            values["error"] = f"{type(record.exc_info[1]).__name__}: {record.exc_info[1]}"
            if logging.getLogger("penstock").isEnabledFor(logging.DEBUG):
                values["exc_info"] = record.exc_info
        mended = record.name.partition(".")[0] == "aiokafka" and not record.exc_info
        level = min(record.levelno, logging.WARNING) if mended else record.levelno
        get_logger(record.name).log(level, record.getMessage(), **values)


def _plain(value: object) -> str:
    text = str(value)
    bare = text and text.isprintable() and not any(mark in text for mark in ' "=')
    return text if bare else json.dumps(text, ensure_ascii=False)
