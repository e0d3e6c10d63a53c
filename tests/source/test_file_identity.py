"""Which file it is: appended to, renamed, copied, rewritten, mounted elsewhere."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from penstock.commit import file_name
from penstock.errors import PositionError
from penstock.source.file_identity import FileIdentity, recognise
from penstock.source.find_files import find_files

if TYPE_CHECKING:
    from pathlib import Path


def identify(path: Path) -> FileIdentity:
    (found,) = find_files([str(path)])
    return found


def known(*files: FileIdentity) -> dict[str, str]:
    """What a table that has records of them says."""
    return {file.partition.topic_id: file.partition.topic for file in files}


@pytest.mark.parametrize(
    ("before", "appended"),
    [
        (b'{"n": 1}\n', b'{"n": 2}\n'),
        (b'{"n": 1}', b'\n{"n": 2}'),
        (b'{"n": 1}\r', b'\n{"n": 2}'),
        (b'\n\r\n{"n": 1}', b"\r\n"),
        (b"x" * 4096, b"x\n"),
        (b"x" * 5000 + b"\n", b"y" * 5000),
    ],
)
def test_an_appended_file_stays_the_same(tmp_path: Path, before: bytes, appended: bytes) -> None:
    """From its first whole line on, or its first 4 KiB."""
    path = tmp_path / "events.ndjson"
    path.write_bytes(before)
    first = identify(path)
    with path.open("ab") as file:
        file.write(appended)
    assert identify(path) == first


def test_a_renamed_file_keeps_its_first_name(tmp_path: Path) -> None:
    """So that its records are not read again; what takes its place is another file."""
    path, rotated = tmp_path / "events.ndjson", tmp_path / "events.ndjson.1"
    path.write_bytes(b'{"n": 1}\n')
    first = identify(path)
    path.rename(rotated)
    path.write_bytes(b'{"n": 2}\n')
    renamed = recognise(identify(rotated), known(first))
    assert (renamed.path, renamed.partition) == (str(rotated), first.partition)
    assert recognise(identify(path), known(first)).partition.topic_id != first.partition.topic_id


def test_a_copy_in_its_place_is_refused(tmp_path: Path) -> None:
    """An editor, rsync, a restored backup: its records may be in the table, or not."""
    path, copy = tmp_path / "events.ndjson", tmp_path / "copy"
    path.write_bytes(b'{"n": 1}\n')
    first = identify(path)
    copy.write_bytes(b'{"n": 1}\n{"n": 2}\n')
    copy.replace(path)
    with pytest.raises(PositionError, match=r"events\.ndjson begins like .*a copy took its place"):
        recognise(identify(path), known(first))


def test_a_rewritten_file_is_another(tmp_path: Path) -> None:
    """Same path, same inode, other first line."""
    path = tmp_path / "events.ndjson"
    path.write_bytes(b'{"n": 1}\n')
    first = identify(path)
    path.write_bytes(b'{"n": 2}\n')
    second = recognise(identify(path), known(first))
    assert second.inode == first.inode
    assert second.partition != first.partition


def test_another_device_number_is_the_same_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """File systems get other numbers when they are mounted again."""
    path = tmp_path / "events.ndjson"
    path.write_bytes(b'{"n": 1}\n')
    first = identify(path)
    fstat = os.fstat

    def elsewhere(descriptor: int) -> os.stat_result:
        values = list(fstat(descriptor))
        return os.stat_result([*values[:2], values[2] + 1, *values[3:]])

    monkeypatch.setattr(os, "fstat", elsewhere)
    moved = identify(path)
    assert moved.partition != first.partition
    assert recognise(moved, known(first)).partition == first.partition


def test_links_to_one_file_are_read_once(tmp_path: Path) -> None:
    """Hard, symbolic, or the same path from two patterns."""
    path = tmp_path / "a.ndjson"
    path.write_bytes(b'{"n": 1}\n')
    os.link(path, tmp_path / "b.ndjson")
    (tmp_path / "c.ndjson").symlink_to(path)
    found = find_files([f"{tmp_path}/*.ndjson", str(path)])
    assert [file.path for file in found] == [str(path)]


def test_empty_files_are_no_copies_of_each_other(tmp_path: Path) -> None:
    """Nothing of them can be in the table."""
    path = tmp_path / "a.ndjson"
    path.touch()
    first = identify(path)
    (tmp_path / "new").touch()
    (tmp_path / "new").replace(path)
    recognise(identify(path), known(first))


@pytest.mark.parametrize("name", ["_events é\n.ndjson", "x" * 250, ".hidden", b"\xff.ndjson"])
def test_any_path_gives_a_safe_file_name(tmp_path: Path, name: str | bytes) -> None:
    """No folder, nothing hidden, nothing too long; and it can be read back."""
    path = os.path.join(os.fsencode(tmp_path), os.fsencode(name))  # noqa: PTH118 - not text
    with open(path, "wb") as file:  # noqa: PTH123 - not text
        file.write(b'{"n": 1}\n')
    found = identify(tmp_path / os.fsdecode(name))
    found.partition.topic.encode()
    made = file_name.data_file(found.partition, 0)
    assert made.isascii()
    assert made[0] not in "._"
    assert len(made) < 220
    parsed = file_name.parse(made)
    assert parsed is not None
    assert parsed.topic_id == found.partition.topic_id
