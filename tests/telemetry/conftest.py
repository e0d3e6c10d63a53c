"""Logging is a thing of the whole process: every test puts it back."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from penstock.telemetry import log

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def restore_log() -> Iterator[None]:
    """As it was before."""
    root = logging.getLogger()
    before = root.level, root.handlers[:]
    output = log.set_output(log.LineOutput("text", logging.INFO, None))
    yield
    root.level, root.handlers[:] = before
    logging.getLogger("penstock").setLevel(logging.NOTSET)
    log.set_output(output)
