"""Footers of data files: what a commit says of itself, and which files are none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow.parquet as pq
import pytest

from penstock.batch import Committed, Counts, Gap, Range
from penstock.commit import footer
from penstock.errors import PositionError
from penstock.sink.local import LocalStorage
from tests.commit.tables import COLUMNS, FIRST, P0, make_cut, put

if TYPE_CHECKING:
    from pathlib import Path

    from penstock.commit.parquet_directory import ParquetDirectory


def test_footer_tells_the_commit(tables: ParquetDirectory, tmp_path: Path) -> None:
    """All of it, read back from the file."""
    gaps = (Gap(10, 12), Gap(13, 14))
    cut = make_cut(10, 20, rows=2, dead_letters=1, gaps=gaps)
    assert put(tables, "main", cut, cut.range, [12, 15]) == Committed(20)
    found = footer.read(LocalStorage(tmp_path / "events"), FIRST)
    assert (found.table_id, found.job_id, found.role) == (tables.table_id, tables.job_id, "main")
    assert (found.commit_id, found.plan, found.partition) == (cut.commit_id, "plan", P0)
    assert (found.range, found.gaps, found.file_rows) == (Range(10, 20), gaps, 2)
    assert found.counts == Counts(3, 2, 1)


def test_footer_names_are_as_documented(tables: ParquetDirectory) -> None:
    """Other tools read them."""
    cut = make_cut(10, 20, gaps=(Gap(10, 12),))
    main = tables.footer("main", cut, cut.range)
    names = ["version", "table", "job", "role", "commit_id", "plan"]
    names += ["cluster_id", "topic", "topic_id", "partition", "start", "end"]
    counts = ["records", "rows", "dead_letters", "filtered", "tombstones", "gaps"]
    assert list(main) == [f"penstock.{name}" for name in names + counts]
    assert main["penstock.gaps"] == "[[10,12]]"
    assert list(tables.footer("dead_letter", cut, Range(3, 20))) == [f"penstock.{name}" for name in names]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"penstock.plan": None}, r"no penstock\.plan"),
        ({"penstock.start": "x"}, r"penstock\.start in its footer is not a number"),
        ({"penstock.end": "10"}, "ends at offset 10, before it starts"),
        ({"penstock.version": "2"}, "format version 2, this Penstock reads 1"),
        ({"penstock.role": "boss"}, r"penstock\.role"),
        ({"penstock.gaps": "[1]"}, r"penstock\.gaps"),
    ],
)
def test_a_footer_that_makes_no_sense_is_no_position(
    tables: ParquetDirectory, tmp_path: Path, change: dict[str, str | None], words: str
) -> None:
    """The message names the file and the key."""
    cut = make_cut(10, 20)
    values = {
        key: value for key, value in (tables.footer("main", cut, cut.range) | change).items() if value is not None
    }
    path = tmp_path / "events" / FIRST
    pq.write_table(COLUMNS["main"].with_metadata(values).empty_table(), path)
    with pytest.raises(PositionError, match=rf"{FIRST}: .*{words}"):
        tables.refresh(P0)


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1" + b"x" * 500 + b"PAR1", b"x" * 500])
def test_a_damaged_file_is_no_position(tables: ParquetDirectory, tmp_path: Path, content: bytes) -> None:
    """Nor is it skipped."""
    (tmp_path / "events" / FIRST).write_bytes(content)
    with pytest.raises(PositionError, match=rf"{FIRST}: it is not a whole Parquet file"):
        tables.refresh(P0)
