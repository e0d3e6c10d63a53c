"""What a fetch response of any version becomes: raw batches, aiokafka's records where they are old, or an error."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.consumer import fetcher as stock
from aiokafka.errors import RecordTooLargeError
from aiokafka.protocol import fetch
from aiokafka.record.legacy_records import LegacyRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords

from penstock._native import FramePool
from penstock.source.fetched import RawRecords
from penstock.source.raw_fetch import RawFetcher
from penstock.source.receive import Parts
from tests.native.frames import Message, record_batch

TP = TopicPartition("events", 3)
FETCH_OFFSET = 40
VERSIONS = range(12)


def batch(first: int, count: int) -> bytes:
    """Records of some size, so that they are lent."""
    messages = [Message(b"v" * 3000, key=b"k", timestamp_ms=1000 + number) for number in range(count)]
    return record_batch(messages, first)


def old_messages(first: int, count: int) -> bytes:
    builder: Any = LegacyRecordBatchBuilder(magic=1, compression_type=0, batch_size=1 << 20)
    for number in range(count):
        builder.append(first + number, timestamp=1000, key=b"k", value=b"old")
    return bytes(builder.build())


def response(version: int, data: bytes | None) -> Any:
    """As the connection gives it: decoded from a frozen frame."""
    aborted = [(9, 45), (7, 41)]
    head: tuple[Any, ...] = (TP.partition, 0, 100)
    if version >= 4:
        head += (90,)
        head += (0,) if version >= 5 else ()
        head += (aborted,)
        head += (-1,) if version >= 11 else ()
    topics = [(TP.topic, [(*head, data)])]
    first: tuple[Any, ...] = () if version == 0 else (0,) if version < 7 else (0, 0, 0)
    kind: Any = getattr(fetch, f"FetchResponse_v{version}")
    encoded = kind(*first, topics).encode()
    frame = FramePool(0).take(len(encoded))
    memoryview(frame)[:] = encoded
    frame.freeze()
    return kind.decode(Parts(frame))


class State:
    """Of the one partition."""

    has_valid_position = True
    paused = False
    highwater = lso = timestamp = None

    def __init__(self) -> None:
        self.position = FETCH_OFFSET

    def consumed_to(self, position: int) -> None:
        self.position = position


async def fetched(version: int, data: bytes | None) -> tuple[list[Any], State]:
    """What `getmany` would give of it, and where it leaves the partition."""
    state = State()
    assignment = SimpleNamespace(active=True, state_value=lambda _: state)

    async def send(*_: object) -> Any:
        return response(version, data)

    fetcher: Any = object.__new__(RawFetcher)
    fetcher.__dict__ |= {
        "_client": SimpleNamespace(send=send),
        "_loop": asyncio.get_running_loop(),
        "_client_rack": None,
        "_records": {},
        "_key_deserializer": None,
        "_value_deserializer": None,
        "_check_crcs": True,
        "_isolation_level": 1,
        "_prefetch_backoff": 0,
        "_retry_backoff": 0,
        "_max_partition_fetch_bytes": 1000,
    }
    request = SimpleNamespace(topics=[(TP.topic, [(TP.partition, FETCH_OFFSET, 1000)])])
    await fetcher._proc_fetch_request(assignment, 1, request)
    found = fetcher._records.get(TP)
    if isinstance(found, stock.FetchError):
        found.check_raise()
    return (found.getall() if found else []), state


@pytest.mark.parametrize("version", VERSIONS)
async def test_responses_of_every_version_are_batches_as_they_came(version: int) -> None:
    """Whole ones, lent; the cut last one is told by its size, and the position is behind the last whole one."""
    whole = batch(38, 5) + batch(43, 2)
    (found,), state = await fetched(version, whole + batch(45, 3)[:-1])
    assert isinstance(found, RawRecords)
    assert found.data == whole
    assert found.data.readonly
    assert type(found.data.obj).__name__ == "Frame"
    assert (found.fetch_offset, found.next_offset, state.position, found.records) == (FETCH_OFFSET, 45, 45, 7)
    assert found.discarded_bytes == len(batch(45, 3)) - 1
    assert found.aborted == ([(7, 41), (9, 45)] if version >= 4 else [])


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("data", [None, b""])
async def test_a_response_without_records_is_none(version: int, data: bytes | None) -> None:
    """The position stays."""
    found, state = await fetched(version, data)
    assert found == []
    assert state.position == FETCH_OFFSET


@pytest.mark.parametrize("size", [1, 11, 12, 61, 3000])
async def test_a_part_of_a_batch_alone_is_an_error_as_in_aiokafka(size: int) -> None:
    """A broker that cuts off the only batch would do so for ever."""
    with pytest.raises(RecordTooLargeError):
        await fetched(11, batch(40, 2)[:size])


async def test_old_messages_are_aiokafkas_records() -> None:
    """Those before the first record batch; what follows is fetched again."""
    found, state = await fetched(11, old_messages(40, 4))
    assert [(record.offset, record.value) for record in found] == [(offset, b"old") for offset in range(40, 44)]
    assert state.position == 44
    (raw,), state = await fetched(11, batch(40, 2) + old_messages(42, 5))
    assert (raw.data, raw.next_offset, state.position) == (batch(40, 2), 42, 42)


@pytest.mark.parametrize("length", [-13, -1, 0, 48, 2])
async def test_what_is_no_batch_is_handed_over_for_the_core_to_say(length: int) -> None:
    """Nothing is skipped: the position stays before it."""
    broken = batch(42, 2)[:8] + length.to_bytes(4, "big", signed=True) + batch(42, 2)[12:]
    (found,), state = await fetched(11, batch(40, 2) + broken)
    assert found.data == batch(40, 2) + broken
    assert (found.next_offset, state.position) == (42, 42)
    (found,), state = await fetched(11, broken)
    assert found.data == broken
    assert (found.next_offset, state.position) == (FETCH_OFFSET, FETCH_OFFSET)


async def test_batches_that_end_before_the_offset_asked_for_do_not_move_it_back() -> None:
    """Brokers answer with the batch that precedes a hole."""
    (found,), state = await fetched(11, batch(30, 3))
    assert (found.next_offset, state.position) == (FETCH_OFFSET, FETCH_OFFSET)


def test_aiokafka_is_left_as_it_is() -> None:
    """For every other consumer in the process."""
    for function in (stock.Fetcher._proc_fetch_request, AIOKafkaConsumer.start):
        assert function.__globals__ is vars(__import__(function.__module__, fromlist=["_"]))
    assert AIOKafkaConsumer.start.__globals__["Fetcher"] is stock.Fetcher
    assert stock.Fetcher._proc_fetch_request.__globals__["MemoryRecords"] is MemoryRecords
