"""One partition's delivery, with the core, the tables and their files as they are and a pipeline that can be held."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq

from penstock._native import Engine
from penstock.batch import Counts, Partition, RawBatch, RecordColumns
from penstock.commit.parquet_directory import ROLES, ParquetDirectory
from penstock.commit.position import SourceState
from penstock.commit.protocol import Settings
from penstock.delivery import Delivery
from penstock.sink.local import LocalFile, LocalStorage
from penstock.telemetry.metrics import Metrics

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest

    from penstock.batch import Cut
    from penstock.errors import PenstockError

PARTITION = Partition("cluster", "events", "0123456789abcdef" * 2, 0)
CONFIG = json.dumps({"columns": [{"name": "n", "path": ["n"], "type": "int64"}]})
RECORDS = 10
"""Of each batch; every second one is no JSON."""


class Worker:
    """A pipeline of one partition. Calls whose name is in `held` wait until it is taken out."""

    def __init__(self, folder: Path) -> None:
        """Open the tables below `folder`, which other workers may have opened too."""
        self.engine = Engine(CONFIG, 1)
        self.metrics = Metrics()
        self.held: dict[str, asyncio.Event] = {}
        self.waiting = asyncio.Event()
        """Some call waits."""
        self.offset = self.epoch = -1
        storages = [LocalStorage(folder / role) for role in ROLES]
        for storage in storages:
            storage.make()
        schemas = {role: self.engine.schema_json(role) for role in ROLES}
        self.tables = ParquetDirectory(*storages, name="job", cluster_id=PARTITION.cluster_id, schemas=schemas)
        self.tables.put_origins({PARTITION: 0})
        self.delivery = Delivery(PARTITION, Settings("plan"), itertools.count(1), self)
        self.commits = 0

    def now(self) -> float:
        return time.monotonic()

    async def native(self, call: Callable[..., Any], *args: Any) -> Any:
        return await self._call(call, args)

    async def storage(self, call: Callable[..., Any], *args: Any) -> Any:
        return await self._call(call, args)

    async def source_state(self, _: Partition) -> SourceState:
        return SourceState(0, 1000, 0)

    async def same_topic(self, _: Partition) -> bool:
        return True

    def seek(self, _: Partition, offset: int, epoch: int) -> bool:
        self.offset, self.epoch = offset, epoch
        return True

    def committed(self, cut: Cut, file_bytes: int) -> None:
        assert file_bytes > 0
        self.offset = cut.range.end
        self.commits += 1

    def faulted(self, _: Partition, error: PenstockError) -> None:
        raise error

    async def ingest(self, start: int) -> None:
        """Hand ten records from `start` on to the core."""
        offsets = range(start, start + RECORDS)
        values = [b'{"n":%d}' % offset if offset % 2 else b"{" for offset in offsets]
        nones: list[None] = [None] * RECORDS
        records = RecordColumns(values, nones, [()] * RECORDS, offsets, offsets)
        (report,) = self.engine.ingest([RawBatch(PARTITION, self.epoch, start, offsets.stop, 0, records)]).reports
        counts = Counts(report.records, report.rows, report.dead_letters)
        await self.delivery.take(self.epoch, start, offsets.stop, counts)

    async def seal(self) -> None:
        """Fix what is open."""
        self.delivery.size.dead_letter_rows = sum(
            file.rows for file in self.engine.open_files() if file.table == "dead_letter" and file.epoch == self.epoch
        )
        assert await self.delivery.seal(final=True)

    async def deliver(self, start: int) -> None:
        """Ingest and commit."""
        await self.ingest(start)
        await self.delivery.store_finished()
        await self.seal()
        await self.delivery.commit()

    async def _call(self, call: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        event = self.held.get(call.__name__)
        if event is not None:
            self.waiting.set()
            await event.wait()
        return await asyncio.to_thread(call, *args)

    def hold(self, *names: str) -> None:
        self.held |= {name: asyncio.Event() for name in names}

    def release(self, name: str) -> None:
        self.waiting.clear()
        self.held.pop(name).set()


def offsets(folder: Path) -> dict[str, list[int]]:
    """All of every file, by table; each file is read whole."""
    found: dict[str, list[int]] = {}
    for role in ROLES:
        tables = [pq.ParquetFile(path).read() for path in sorted((folder / role).glob("*.parquet"))]
        found[role] = [offset for table in tables for offset in table.column("kafka_offset").to_pylist()]
    return found


EXACT = {"main": [*range(1, 20, 2)], "dead_letter": [*range(0, 20, 2)]}


async def test_what_is_taken_of_a_lost_epoch_does_not_reach_the_files_of_the_next(tmp_path: Path) -> None:
    """The commit is lost between the two tables' row groups: the first was taken before it, the second after it."""
    ours, other = Worker(tmp_path), Worker(tmp_path)
    await ours.delivery.begin()
    await ours.ingest(0)
    await ours.seal()
    await other.delivery.begin()
    await other.deliver(0)

    await ours.ingest(10)
    ours.hold("_append", "discard")
    storing = asyncio.create_task(ours.delivery.store_finished())
    await ours.waiting.wait()
    ours.waiting.clear()
    losing = asyncio.create_task(ours.delivery.commit())
    await ours.waiting.wait()
    ours.release("_append")
    await storing
    ours.release("discard")
    await losing
    assert (ours.commits, ours.offset) == (0, 10)

    await ours.deliver(10)
    assert (other.commits, ours.commits, ours.offset) == (1, 1, 20)
    assert offsets(tmp_path) == EXACT


async def test_files_are_not_removed_below_their_writer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is dropped while a thread writes it is closed after that: its descriptor could be another file's by then."""
    ours = Worker(tmp_path)
    await ours.delivery.begin()
    await ours.ingest(0)
    writing, written = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    steps: list[str] = []
    write, discard = LocalFile.write, LocalFile.discard

    def slow_write(self: LocalFile, data: Any) -> None:
        loop.call_soon_threadsafe(writing.set)
        asyncio.run_coroutine_threadsafe(written.wait(), loop).result(60)
        write(self, data)
        steps.append("write")

    def noted_discard(self: LocalFile) -> None:
        steps.append("discard")
        discard(self)

    monkeypatch.setattr(LocalFile, "write", slow_write)
    monkeypatch.setattr(LocalFile, "discard", noted_discard)
    storing = asyncio.create_task(ours.delivery.store_finished())
    await writing.wait()
    leaving = asyncio.create_task(ours.delivery.leave())
    done, _ = await asyncio.wait([leaving], timeout=0.2)
    assert not done, "it waits for the writer"
    written.set()
    await asyncio.gather(storing, leaving)
    assert steps == ["write", "discard"]
    assert offsets(tmp_path) == {"main": [], "dead_letter": []}
    assert not [path for role in ROLES for path in (tmp_path / role).glob(".*.tmp")]
