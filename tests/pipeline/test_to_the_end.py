"""A run to the end says so if not all of it is in the table."""

from __future__ import annotations

import pytest

from penstock.config import load_test
from penstock.daemon.job import Job
from penstock.daemon.run import RunOptions
from penstock.errors import GaveUpError
from penstock.sink.memory import MemoryFile, MemoryStorage
from penstock.sink.storage import OutageError
from penstock.testing import Clock, MemorySource, Record, partition

PARTITION = partition()


class Topic(MemorySource):
    """It may go on, as topics do; its end is that of the first look."""

    finite = False


class FullFile(MemoryFile):
    """What is written is not stored in the end."""

    def sync(self) -> None:
        raise OutageError("no space left on device.")


class FullStorage(MemoryStorage):
    """Holds no data file."""

    def open_unpublished(self, *_: object) -> MemoryFile:
        return FullFile()


def make_job(storage: MemoryStorage, *, until_end: bool) -> Job:
    """Nothing of it is cut before its end."""
    config = load_test(
        {
            "pipeline": {"name": "end"},
            "decode": {"format": "json", "columns": {"n": "int64"}},
            "sink": {"type": "parquet", "path": storage.location},
        },
        [],
    )
    clock = Clock()
    source = Topic({PARTITION: [Record(b'{"n":1}')] * 10}, clock.advance)
    dead_letters = MemoryStorage("memory/dead")
    return Job(
        config,
        RunOptions(until_end=until_end),
        source=source,
        open_storage=lambda path: storage if path == config.sink.path else dead_letters,
        clock=clock,
    )


async def test_what_could_not_be_committed_is_named() -> None:
    """The last cut is the one that fails; whoever waits for the exit code must not go on as if all was there."""
    with pytest.raises(GaveUpError, match=f"not all of {PARTITION} could be committed"):
        await make_job(FullStorage("memory/rows"), until_end=True).run()


async def test_all_that_is_committed_is_the_end() -> None:
    """The same run, where there is room."""
    storage = MemoryStorage("memory/rows")
    await make_job(storage, until_end=True).run()
    assert [name for name in storage.names("") if name.endswith(".parquet")]
