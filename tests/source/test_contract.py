"""What every source keeps: one suite over files, standard input's rules aside, and memory."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, Protocol

import pytest

from penstock.batch import RawLines, RecordColumns
from penstock.config import FileSource as FileConfig
from penstock.source.file import FILES_AT_ONCE, FileSource
from penstock.source.lines import records_of
from penstock.source.memory import MemorySource, Record
from penstock.testing import Clock, partition

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from penstock.batch import Partition, RawBatch
    from penstock.source.source import Source

EPOCH = 7


class Make(Protocol):
    """Makes a source, not connected, with these values per partition."""

    def __call__(self, *partitions: Sequence[bytes]) -> Source: ...


def columns_of(batch: RawBatch) -> RecordColumns:
    """Its records, each by itself."""
    if isinstance(batch.records, RawLines):
        found = records_of(batch.records.data)
        count = batch.records.count
        offsets = range(batch.fetch_offset, batch.next_offset)
        return RecordColumns(found, [None] * count, [()] * count, offsets, [-1] * count)
    assert isinstance(batch.records, RecordColumns)
    return batch.records


class Reader:
    """A source's owner, which reads what it is given."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.partitions: list[Partition] = []

    def assigned(self, partitions: Sequence[Partition]) -> None:
        self.partitions.extend(partitions)

    async def revoked(self, partitions: Sequence[Partition]) -> None:
        raise AssertionError(partitions)

    async def poll(self) -> list[RawBatch]:
        return await self.source.poll(0.5)

    async def read(self, wanted: Partition, offset: int = 0) -> list[bytes | None]:
        """Everything of `wanted` from `offset` on; the batches' ranges are checked."""
        assert self.source.seek(wanted, offset, EPOCH)
        values: list[bytes | None] = []
        while (end := self.source.end(wanted)) is None or offset + len(values) < end:
            for batch in await self.poll():
                assert (batch.partition, batch.epoch) == (wanted, EPOCH)
                assert batch.fetch_offset == offset + len(values)
                records = columns_of(batch)
                assert list(records.offsets) == list(range(batch.fetch_offset, batch.next_offset))
                columns = (records.values, records.keys, records.headers, records.timestamps)
                assert {len(column) for column in columns} == {len(records.offsets)}
                values.extend(records.values)
            assert self.source.faults() == {}
        return values


def make_files(directory: Path, suffix: str) -> Make:
    def make(*partitions: Sequence[bytes]) -> Source:
        for number, of_file in enumerate(partitions):
            content = b"".join(value + b"\n" for value in of_file)
            path = directory / f"{number:03}.ndjson{suffix}"
            path.write_bytes(gzip.compress(content) if suffix else content)
        return FileSource(FileConfig(path=(f"{directory}/*",)), 1000)

    return make


def make_memory(*partitions: Sequence[bytes]) -> Source:
    scripts = {partition("events", n): list(map(Record, values)) for n, values in enumerate(partitions)}
    return MemorySource(scripts, Clock().advance, batch_records=100)


@pytest.fixture(params=["file", "gzip", "memory"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Make:
    """Every kind of source."""
    return make_memory if request.param == "memory" else make_files(tmp_path, ".gz" if request.param == "gzip" else "")


@pytest.fixture
async def connected() -> AsyncIterator[list[Source]]:
    """What is put in is stopped after the test."""
    sources: list[Source] = []
    yield sources
    for source in sources:
        assert await source.stop()


async def join(source: Source, connected: list[Source]) -> Reader:
    connected.append(source)
    await source.connect()
    source.recognise({})
    reader = Reader(source)
    await source.join(reader)
    return reader


VALUES = [b'{"n": %d}' % number for number in range(1000)]


async def test_every_record_comes_once_and_in_order(make: Make, connected: list[Source]) -> None:
    """From 0 to the end, each batch where the one before ended."""
    reader = await join(make(VALUES), connected)
    (wanted,) = reader.partitions
    assert await reader.read(wanted) == VALUES
    assert reader.source.end(wanted) == 1000


@pytest.mark.parametrize("offset", [1, 500, 999, 1000])
async def test_reading_begins_at_any_record(make: Make, connected: list[Source], offset: int) -> None:
    """Also at the end, where there is nothing."""
    reader = await join(make(VALUES), connected)
    assert await reader.read(reader.partitions[0], offset) == VALUES[offset:]


async def test_seek_reads_again(make: Make, connected: list[Source]) -> None:
    """After a failed write the same records come again, whatever was read ahead."""
    reader = await join(make(VALUES), connected)
    (wanted,) = reader.partitions
    assert reader.source.seek(wanted, 0, EPOCH - 1)
    await reader.poll()
    assert await reader.read(wanted, 300) == VALUES[300:]
    assert await reader.read(wanted) == VALUES


async def test_nothing_comes_before_seek_and_after_release(make: Make, connected: list[Source]) -> None:
    """A partition is silent until its position is known, and once it is released."""
    reader = await join(make(VALUES, VALUES), connected)
    assert await reader.source.poll(0.01) == []
    first, second = reader.partitions
    reader.source.seek(first, 0, EPOCH)
    reader.source.release(first)
    assert await reader.source.poll(0.01) == []
    assert await reader.read(second) == VALUES


async def test_pause_holds_back_and_loses_nothing(make: Make, connected: list[Source]) -> None:
    """What was read ahead comes afterwards; other partitions go on meanwhile."""
    reader = await join(make(VALUES, VALUES), connected)
    wanted, other = reader.partitions
    reader.source.seek(wanted, 0, EPOCH)
    reader.source.pause({wanted})
    assert reader.source.paused == {wanted}
    assert await reader.source.poll(0.05) == []
    reader.source.seek(other, 0, EPOCH)
    assert {batch.partition for batch in await reader.poll()} == {other}
    reader.source.pause({other})
    (batch,) = await reader.poll()
    found = columns_of(batch).values
    assert (batch.partition, bool(found)) == (wanted, True)
    assert found == VALUES[: len(found)]


async def test_an_empty_partition_is_at_its_end(make: Make, connected: list[Source]) -> None:
    """Its end is known, and is 0."""
    reader = await join(make([]), connected)
    assert await reader.read(reader.partitions[0]) == []
    assert reader.source.end(reader.partitions[0]) == 0


async def test_the_facts_fit_what_is_read(make: Make, connected: list[Source]) -> None:
    """Partitions, bounds, positions of others: nothing contradicts the records."""
    reader = await join(make(VALUES, VALUES[:3]), connected)
    source = reader.source
    assert await source.all_partitions() == reader.partitions
    assert {partition.cluster_id for partition in reader.partitions} == {source.cluster_id}
    first = reader.partitions[0]
    low, high = (await source.bounds([first]))[first]
    assert low == 0
    assert high >= 1000
    await reader.read(first)
    assert (await source.bounds([first]))[first] == (0, 1000)
    assert await source.same(first)
    assert await source.acknowledged([first]) == {first: None}
    assert (list(source.out_of_range), source.stuck(), source.hint(first)) == ([], None, None)


async def test_a_sample_takes_nothing_away(connected: list[Source], tmp_path: Path) -> None:
    """Of every kind that has one: its records come again."""
    for source in (make_files(tmp_path, "")(VALUES, VALUES), make_memory(VALUES, VALUES)):
        assert isinstance(source, FileSource | MemorySource)
        await source.connect()
        sample = await source.sample(500, 1 << 20)
        assert len(sample) == 500
        assert set(sample) <= set(VALUES)
        assert 0 < len(await source.sample(500, 1)) < 500
        reader = await join(source, connected)
        assert await reader.read(reader.partitions[0]) == VALUES


async def test_partitions_that_end_make_room_for_others(make: Make, connected: list[Source]) -> None:
    """However many there are, each is assigned once; then the source is settled."""
    count = FILES_AT_ONCE * 2 + 1
    reader = await join(make(*([value] for value in VALUES[:count])), connected)
    found = []
    for number in range(count):
        found += await reader.read(reader.partitions[number])
        reader.source.finished(reader.partitions[number])
    assert sorted(map(bytes, filter(None, found))) == sorted(VALUES[:count])
    assert reader.source.settled
    assert len(set(reader.partitions)) == count


async def test_a_fault_is_met_again_after_seek(connected: list[Source], tmp_path: Path) -> None:
    """What was read ahead may be damaged while the pipeline has to go back: the records come first, then the fault."""
    make = make_files(tmp_path, ".gz")
    source = make(VALUES)
    path = tmp_path / "000.ndjson.gz"
    path.write_bytes(path.read_bytes()[:-4])
    reader = await join(source, connected)
    (wanted,) = reader.partitions
    for _ in range(2):
        assert source.seek(wanted, 0, EPOCH)
        assert source.faults() == {}
        found: list[bytes | None] = []
        while not source.faults():
            found += [value for batch in await reader.poll() for value in columns_of(batch).values]
        assert found == VALUES
    assert str(source.faults()[wanted]).startswith(f"{path}: it is cut off")
    source.release(wanted)
    assert source.faults() == {}
