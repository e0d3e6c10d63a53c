"""A data file being written."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

import pytest

from penstock.errors import InternalError
from penstock.sink.data_file import DataFile
from penstock.sink.local import LocalStorage
from penstock.sink.storage import FileLostError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def storage(tmp_path: Path) -> LocalStorage:
    """A new folder."""
    return LocalStorage(tmp_path)


def test_chunks_become_one_file(storage: LocalStorage) -> None:
    """Any buffers, in order; bytes are counted."""
    file = DataFile(storage, "name", "commit")
    file.append([b"one", bytearray(b"two")], start=0)
    file.append([memoryview(b"three"), array("i", [7]), b""], start=6)
    file.finish()
    assert storage.names("name") == []
    assert file.publish("name")
    file.discard()
    assert storage.read("name") == b"onetwothree" + array("i", [7]).tobytes()
    assert file.bytes_written == len(storage.read("name") or b"")
    assert storage.names("") == ["name"]


def test_discarded_file_leaves_nothing(storage: LocalStorage) -> None:
    """Its bytes are gone at once."""
    file = DataFile(storage, "name", "commit")
    file.append([b"one"], start=0)
    assert storage.names("name") == []
    assert storage.names(".") == [".name.commit.tmp"]
    file.discard()
    assert storage.names(".") == []


@pytest.mark.parametrize("start", [0, 2, 4])
def test_bytes_that_belong_elsewhere_lose_the_file(storage: LocalStorage, start: int) -> None:
    """Those of another file, or after some that are missing: no reader may ever see them."""
    file = DataFile(storage, "name", "commit")
    file.append([b"one"], start=0)
    with pytest.raises(InternalError, match=f"name: bytes from {start} on can't follow the 3"):
        file.append([b"two"], start=start)
    assert storage.names(".") == []
    with pytest.raises(FileLostError):
        file.finish()


def test_it_may_take_another_name_in_the_end(storage: LocalStorage) -> None:
    """Where a dead-letter file begins is known when its cut is made."""
    file = DataFile(storage, "opened", "commit")
    file.finish()
    assert file.publish("published")
    assert storage.names("") == [".opened.commit.tmp", "published"]
