"""Logs: one line per event on stderr, for people or as JSON.

The text is a sentence with a capital and a period; values are keys. Warnings of libraries (aiokafka, asyncio) come out
in the same form, never below WARNING: at DEBUG aiokafka formats every response.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
import time
import traceback
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal, Protocol, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable

REPEAT_SECONDS = 60.0
REMEMBERED_LINES = 1000
SECRET_WORDS = ("password", "secret", "token", "credential", "sasl_plain")
COLOURS = {"debug": "\033[2m", "warning": "\033[33m", "error": "\033[31m", "critical": "\033[31m"}
RESET = "\033[0m"


class Logger:
    """Speaks for one module or library. What `configure` sets applies to those that were made before, too."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        """`name` is who speaks."""
        self.name = name

    def debug(self, event: str, /, **values: Any) -> None:
        """For whoever looks for a mistake."""
        self.log(logging.DEBUG, event, **values)

    def info(self, event: str, /, **values: Any) -> None:
        """What happens."""
        self.log(logging.INFO, event, **values)

    def warning(self, event: str, /, **values: Any) -> None:
        """Something that mended itself, or that somebody should know."""
        self.log(logging.WARNING, event, **values)

    def error(self, event: str, /, **values: Any) -> None:
        """Somebody has to act."""
        self.log(logging.ERROR, event, **values)

    def log(self, level: int, event: str, /, **values: Any) -> None:
        """One line. `exc_info` among the values is an exception, and becomes its traceback."""
        if level >= _output.threshold:
            _output.write(self.name, level, event, values)


class Output(Protocol):
    """Where lines go."""

    @property
    def threshold(self) -> int:
        """What is below this level is not even looked at."""

    def write(self, name: str, level: int, event: str, values: dict[str, Any]) -> None:
        """Take one line; from any thread."""


def configure(log: Literal["text", "json"], level: str, stream: TextIO | None = None) -> None:
    """Set up logging for the process; call once, before the first line. `stream` is stderr unless said."""
    threshold = logging.getLevelNamesMapping()[level.upper()]
    set_output(LineOutput(log, threshold, stream))
    logging.getLogger("penstock").setLevel(threshold)
    logging.basicConfig(level=max(threshold, logging.WARNING), handlers=[Forward()], force=True)


def set_output(output: Output) -> Output:
    """Where the lines of all loggers go from now on; where they went before."""
    global _output
    before, _output = _output, output
    return before


def get_logger(name: str) -> Logger:
    """The logger of a module. May be called at import time: what `configure` sets applies at the first line."""
    return Logger(name)


def hide_secrets(line: dict[str, Any]) -> None:
    """Replace values whose key says that they are secret."""
    for key, value in line.items():
        if any(word in key.lower() for word in SECRET_WORDS) and not isinstance(value, int | float):
            line[key] = "***"


def render_json(line: dict[str, Any]) -> str:
    """One JSON object; what JSON can't say is said in words."""
    return json.dumps(line, default=str, ensure_ascii=False)


class TextRenderer:
    """`2026-05-01T12:00:00.123456Z info  Committed a file.  rows=200 logger=penstock.commit`."""

    def __init__(self, *, colours: bool) -> None:
        """With `colours` the level is coloured by its weight."""
        self._colours = colours

    def __call__(self, line: dict[str, Any]) -> str:
        """Render one line."""
        level, stamp = line.pop("level"), line.pop("timestamp")
        text, exception = line.pop("event"), line.pop("exception", None)
        logger = line.pop("logger")
        level_text = f"{level:<7}"
        if self._colours and level in COLOURS:
            level_text = f"{COLOURS[level]}{level_text}{RESET}"
        keys = " ".join(f"{key}={_plain(value)}" for key, value in [*line.items(), ("logger", logger)])
        return f"{stamp} {level_text} {text}  {keys}" + (f"\n{exception}" if exception else "")


class LineOutput:
    """Writes whole lines to a stream: for people, or as JSON."""

    def __init__(self, log: Literal["text", "json"], threshold: int, stream: TextIO | None) -> None:
        """`stream` is stderr unless said."""
        self.threshold = threshold
        self._stream = stream
        self._lock = threading.Lock()
        colours = (stream or sys.stderr).isatty() and not os.environ.get("NO_COLOR")
        self._render = render_json if log == "json" else TextRenderer(colours=colours)

    def write(self, name: str, level: int, event: str, values: dict[str, Any]) -> None:
        """See `Output`."""
        error = values.pop("exc_info", None)
        line = {
            **values,
            "event": event,
            "level": logging.getLevelName(level).lower(),
            "logger": name,
            "timestamp": datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z"),
        }
        if error is not None:
            line["exception"] = "".join(traceback.format_exception(error)).removesuffix("\n")
        hide_secrets(line)
        text = self._render(line)
        with self._lock:
            print(text, file=self._stream or sys.stderr, flush=True)


_output: Output = LineOutput("text", logging.INFO, None)


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
                values["exc_info"] = record.exc_info[1]
        mended = record.name.partition(".")[0] == "aiokafka" and not record.exc_info
        level = min(record.levelno, logging.WARNING) if mended else record.levelno
        get_logger(record.name).log(level, record.getMessage(), **values)


def _plain(value: object) -> str:
    text = str(value)
    bare = text and text.isprintable() and not any(mark in text for mark in ' "=')
    return text if bare else json.dumps(text, ensure_ascii=False)
