"""Logging is a thing of the whole process: every test puts it back."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest
import structlog

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def restore_log() -> Iterator[None]:
    """As it was before."""
    root = logging.getLogger()
    before = root.level, root.handlers[:]
    yield
    root.level, root.handlers[:] = before
    logging.getLogger("penstock").setLevel(logging.NOTSET)
    structlog.reset_defaults()
