"""Chains of commits that have a gap, overlap or belong to another table are never a position."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from penstock.commit import file_name, footer
from penstock.errors import PositionError
from penstock.sink.local import LocalStorage
from tests.commit.tables import FIRST, P0, commit, open_tables

if TYPE_CHECKING:
    from pathlib import Path

    from penstock.commit.parquet_directory import ParquetDirectory
    from penstock.commit.position import LastCommit


def test_a_hole_names_the_files_on_both_sides(tables: ParquetDirectory, tmp_path: Path) -> None:
    """Rows are missing: no position is better than a wrong one."""
    for start in (10, 20, 30):
        commit(tables, start, start + 10)
    (tmp_path / "events" / file_name.data_file(P0, 20)).unlink()
    with pytest.raises(
        PositionError, match=r"0030\.parquet begins at offset 30, but .*0010\.parquet ends at 20.*missing"
    ):
        open_tables(tmp_path).refresh(P0)


def test_a_chain_that_does_not_begin_at_the_origin_is_no_position(tables: ParquetDirectory, tmp_path: Path) -> None:
    """The oldest files are gone."""
    commit(tables, 10, 20)
    commit(tables, 20, 30)
    (tmp_path / "events" / FIRST).unlink()
    with pytest.raises(PositionError, match=r"begins at offset 20, but the origin is 10"):
        open_tables(tmp_path).refresh(P0)


def test_an_overlap_names_the_files(tables: ParquetDirectory) -> None:
    """Somebody else's file, as no worker makes one."""
    commit(tables, 10, 20)
    commit(tables, 15, 30)
    with pytest.raises(
        PositionError, match=r"0015\.parquet begins at offset 15, but .*0010\.parquet ends at 20.*overlap"
    ):
        tables.refresh(P0)


def test_commits_that_vanish_under_a_running_worker_are_noticed(tables: ParquetDirectory, tmp_path: Path) -> None:
    """Even if all are gone, which looks like a new table."""
    commit(tables, 10, 20)
    tables.refresh(P0)
    (tmp_path / "events" / FIRST).unlink()
    with pytest.raises(PositionError, match=r"0010\.parquet was committed and is gone"):
        tables.refresh(P0)


def test_a_listing_that_missed_a_file_is_read_again(tables: ParquetDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Directories are read while others write: the second of two new files may be seen without the first."""
    for start in (10, 20, 30):
        commit(tables, start, start + 10)
    real = LocalStorage.names
    listings = []

    def names(storage: LocalStorage, prefix: str) -> list[str]:
        found = real(storage, prefix)
        if storage.location.endswith("events") and not prefix.startswith((".", "_")):
            listings.append(prefix)
            if len(listings) == 1:
                found.remove(file_name.data_file(P0, 20))
        return found

    monkeypatch.setattr(LocalStorage, "names", names)
    main = tables.refresh(P0).main
    assert main is not None
    assert main.end == 40
    assert len(listings) == 2


def test_a_look_that_was_given_up_does_not_disturb_the_next(
    tables: ParquetDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A partition that is revoked and comes back may be read by two threads for a while."""
    for start in (10, 20, 30):
        commit(tables, start, start + 10)
    real = footer.read
    again = open_tables(tmp_path)
    inner: list[LastCommit | None] = []

    def read(storage: LocalStorage, name: str) -> footer.Footer:
        if not inner:
            inner.append(None)
            inner.append(again.refresh(P0).main)
        return real(storage, name)

    monkeypatch.setattr(footer, "read", read)
    outer = again.refresh(P0).main
    assert outer is not None
    assert inner == [None, outer]
    assert outer.end == 40


def test_a_file_of_another_table_is_never_a_position(tmp_path: Path) -> None:
    """Copied in by hand, with a fitting name and range."""
    for folder in ("one", "two"):
        tables = open_tables(tmp_path / folder)
        tables.put_origin(P0, 10)
        commit(tables, 10, 20)
    commit(tables, 20, 30)
    name = file_name.data_file(P0, 20)
    shutil.copy(tmp_path / "two" / "events" / name, tmp_path / "one" / "events" / name)
    with pytest.raises(PositionError, match=rf"{name} was written for another table"):
        open_tables(tmp_path / "one").refresh(P0)


def test_a_renamed_file_is_no_position(tables: ParquetDirectory, tmp_path: Path) -> None:
    """Its footer tells what it is."""
    commit(tables, 10, 20)
    (tmp_path / "events" / FIRST).rename(tmp_path / "events" / file_name.data_file(P0, 0))
    with pytest.raises(PositionError, match=rf"was written as {FIRST}"):
        tables.refresh(P0)


def test_a_recreated_topic_is_told(tables: ParquetDirectory) -> None:
    """The table has commits of the topic's former self."""
    commit(tables, 10, 20)
    recreated = P0._replace(topic_id="f" * 32, number=3)
    assert tables.refresh(recreated).other_topic_id == P0.topic_id
    assert tables.refresh(P0._replace(number=3)).other_topic_id is None
    assert tables.refresh(recreated._replace(topic="agent")).other_topic_id is None
