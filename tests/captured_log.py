"""Lines of the log as values."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from penstock.telemetry import log

if TYPE_CHECKING:
    from collections.abc import Iterator


class _Captured:
    threshold = logging.DEBUG

    def __init__(self) -> None:
        self.lines: list[dict[str, Any]] = []

    def write(self, name: str, level: int, event: str, values: dict[str, Any]) -> None:
        self.lines.append({**values, "event": event, "logger": name, "log_level": logging.getLevelName(level).lower()})


@contextmanager
def capture_logs() -> Iterator[list[dict[str, Any]]]:
    """What is logged meanwhile, whatever its level; nothing of it is written."""
    captured = _Captured()
    before = log.set_output(captured)
    try:
        yield captured.lines
    finally:
        log.set_output(before)
