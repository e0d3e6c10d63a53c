"""Frames through the pipeline: committed like records, fetched again where they are damaged, free after the call."""

from __future__ import annotations

import asyncio
import struct
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from penstock._native import FramePool
from penstock.batch import RawBatch, RawFrame, RecordColumns
from penstock.commit import file_name
from penstock.config import load_test
from penstock.errors import PenstockError, PositionError, UnavailableError
from penstock.source.memory import MemorySource, Record
from penstock.testing import Clock, Tables, deliver, partition
from tests.native.frames import Message, record_batch

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from penstock.batch import Partition
    from penstock.testing import Result

PER_BATCH = 10
PIPELINE = {
    "pipeline": {"name": "framed"},
    "decode": {"columns": {"n": "int64", "who": "string"}},
    "transform": [{"type": "filter", "where": "n <> 3"}, {"type": "redact", "columns": ["who"], "whole": True}],
    "sink": {"path": "out", "cut": {"age": "5m"}},
    "dead_letter": {"limit": {"ratio": 0.9, "run": 1000}},
}
FIRST, SECOND = partition("events", 0), partition("events", 1)


def sent(count: int) -> list[Record]:
    """Rows, filtered records, dead letters and tombstones by turns."""
    kinds = (b'{"n":%d,"who":"a"}', b'{"n":%d,"who":"b","more":1}', b"[%d]", None)
    values = [kinds[number % 7 % 4] for number in range(count)]
    return [
        Record(value and (value % (number % 5)), b"key %d" % number, [("h", None)], number)
        for number, value in enumerate(values)
    ]


class FrameSource(MemorySource):
    """Hands records over as a broker would send them, in one frame per partition and poll, which it reuses."""

    def __init__(self, partitions: Mapping[Partition, Sequence[Record]], *, leader_epochs: Sequence[int] = ()) -> None:
        super().__init__(partitions, Clock().advance, batch_records=3 * PER_BATCH)
        self.pool = FramePool(1 << 24)
        self.damaged: dict[tuple[Partition, int], int] = {}
        """How often the batch at that offset comes damaged."""
        self.refetched: list[tuple[Partition, int]] = []
        self._leader_epochs = leader_epochs
        self._faults: dict[Partition, PenstockError] = {}

    async def poll(self, timeout_seconds: float) -> list[RawBatch]:
        """See `Source`. Waits until nothing of what was handed over before is held; for ever if somebody keeps it.

        The thread that made the call drops it a moment after its answer, and a pool tells nobody.
        """
        while self.pool.bytes_in_use:  # noqa: ASYNC110
            await asyncio.sleep(0)
        return [self._framed(batch) for batch in await super().poll(timeout_seconds)]

    def refetch(self, partition: Partition, offset: int, problem: str) -> None:
        """See `Source`."""
        if (partition, offset) in self.refetched:
            self._faults[partition] = UnavailableError(f"{partition} offset {offset}: {problem}")
        else:
            self.refetched.append((partition, offset))
            epoch, _ = self._reading[partition]
            self._reading[partition] = (epoch, offset)

    def faults(self) -> dict[Partition, PenstockError]:
        """See `Source`."""
        return dict(self._faults)

    def release(self, partition: Partition) -> None:
        """See `Source`."""
        super().release(partition)
        self._faults.pop(partition, None)

    def _framed(self, batch: RawBatch) -> RawBatch:
        columns = batch.records
        assert isinstance(columns, RecordColumns)
        messages = [
            Message(*fields)
            for fields in zip(columns.values, columns.keys, columns.headers, columns.timestamps, strict=True)
        ]
        data = bytearray()
        for start in range(0, len(messages), PER_BATCH):
            data += self._sent(batch.partition, batch.fetch_offset + start, messages[start : start + PER_BATCH])
        frame = self.pool.take(len(data))
        with memoryview(frame) as view:
            view[:] = data
        frame.freeze()
        return replace(batch, records=RawFrame(memoryview(frame), (), read_committed=True, records=len(messages)))

    def _sent(self, of: Partition, offset: int, messages: Sequence[Message]) -> bytes:
        data = bytearray(record_batch(messages, offset, codec="zstd" if offset % 20 else "none"))
        if self._leader_epochs:
            data[12:16] = struct.pack(">i", self._leader_epochs[offset // PER_BATCH])
        if self.damaged.get((of, offset), 0):
            self.damaged[of, offset] -= 1
            data[-1] ^= 0xFF
        return bytes(data)


async def run(source: MemorySource) -> Result:
    return await deliver(load_test(PIPELINE), source, Tables(), Clock())


def records_of(result: Result) -> list[list[dict[str, object]]]:
    letters = [{key: value for key, value in row.items() if key != "rejected_at"} for row in result.dead_letters]
    return [result.table().to_pylist(), letters]


async def test_frames_are_delivered_like_records() -> None:
    """Rows, dead letters and counts are the same."""
    script = {FIRST: sent(95), SECOND: sent(31)}
    framed, plain = await run(FrameSource(script)), await run(MemorySource(script, Clock().advance))
    assert records_of(framed) == records_of(plain)
    assert replace(framed.report, seconds=0, bytes_out=0) == replace(plain.report, seconds=0, bytes_out=0)
    assert min(framed.report.rows, framed.report.filtered, framed.report.dead_letters, framed.report.tombstones) > 0


async def test_a_batch_that_was_damaged_on_its_way_is_fetched_again() -> None:
    """From its own offset: what came before it in the frame is kept."""
    script = {FIRST: sent(95), SECOND: sent(31)}
    source = FrameSource(script)
    source.damaged = {(FIRST, 10): 1, (FIRST, 60): 1, (SECOND, 0): 1}
    result = await run(source)
    assert sorted(source.refetched) == [(FIRST, 10), (FIRST, 60), (SECOND, 0)]
    assert records_of(result) == records_of(await run(MemorySource(script, Clock().advance)))


async def test_a_batch_that_stays_damaged_stops_its_partition_alone() -> None:
    """What is before it is committed, and all of the others; once it is mended, a restart goes on from there."""
    script, tables = {FIRST: sent(95), SECOND: sent(95)}, Tables()
    source = FrameSource(script)
    source.damaged = {(FIRST, 40): 99}
    config = load_test(PIPELINE, ['pipeline.on_fault="continue"'])
    with pytest.raises(UnavailableError, match=r"events-0 offset 40: batch at offset 40, .*corrupt"):
        await deliver(config, source, tables, Clock())
    assert source.refetched == [(FIRST, 40)]
    result = await deliver(load_test(PIPELINE), FrameSource(script), tables, Clock())
    assert records_of(result) == records_of(await run(MemorySource(script, Clock().advance)))
    found = [parsed for name in tables.main.names("") if (parsed := file_name.parse(name))]
    assert sorted((name.number, name.start) for name in found) == [(0, 0), (0, 40), (1, 0)]


async def test_a_leader_epoch_that_falls_stops_at_once() -> None:
    """Another fetch would not bring back what the truncated log had."""
    source = FrameSource({FIRST: sent(50)}, leader_epochs=[0, 3, 3, 2, 2])
    with pytest.raises(PositionError, match=r"events-0 offset 30: .*leader epoch is 2, after 3.*truncated") as raised:
        await run(source)
    assert raised.value.exit_code == 76
    assert source.refetched == []
