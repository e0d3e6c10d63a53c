"""A job over files, for every test that needs one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.source.files import FileJob
from tests.telemetry.conftest import restore_log

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["file_job", "restore_log"]


@pytest.fixture
def file_job(tmp_path: Path) -> Iterator[FileJob]:
    """Nothing of it runs on after the test."""
    job = FileJob(tmp_path)
    yield job
    job.close()
    print(job.report())  # noqa: T201 (pytest shows it when the test fails)
