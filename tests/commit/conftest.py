"""What the tests of commits share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.commit.tables import P0, open_tables

if TYPE_CHECKING:
    from pathlib import Path

    from penstock.commit.parquet_directory import ParquetDirectory


@pytest.fixture
def tables(tmp_path: Path) -> ParquetDirectory:
    """New tables, with an origin of 10."""
    made = open_tables(tmp_path)
    made.put_origin(P0, 10)
    return made
