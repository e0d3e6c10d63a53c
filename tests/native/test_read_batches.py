"""Record batches by the core and by aiokafka: the same records."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

import pytest
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from hypothesis import given
from hypothesis import strategies as st

from penstock._native import read_batches, scan_batches
from tests.native.frames import CODECS, Message, record_batch

if TYPE_CHECKING:
    from collections.abc import Sequence

_PARTS = st.none() | st.binary(max_size=40) | st.binary(min_size=100, max_size=200).map(lambda part: part * 60)
_HEADERS = st.lists(st.tuples(st.text(max_size=5), st.none() | st.binary(max_size=9)), max_size=3)
_TIMES = st.integers(1_600_000_000_000, 1_800_000_000_000)
_MESSAGES = st.builds(Message, _PARTS, _PARTS, _HEADERS, _TIMES)
_BATCHES = st.lists(st.tuples(st.sampled_from(sorted(CODECS)), st.lists(_MESSAGES, min_size=1, max_size=8)), max_size=5)


def _encode(batches: Sequence[tuple[str, Sequence[Message]]], first: int) -> bytes:
    data, offset = b"", first
    for codec, messages in batches:
        data += record_batch(messages, offset, codec=codec)
        offset += len(messages)
    return data


def _by_aiokafka(data: bytes) -> dict[str, list[Any]]:
    columns: dict[str, list[Any]] = {name: [] for name in ("offsets", "timestamps", "values", "keys", "headers")}
    records = MemoryRecords(data)
    while records.has_next():
        batch = records.next_batch()
        assert batch is not None
        for record in batch:
            columns["offsets"].append(record.offset)
            columns["timestamps"].append(record.timestamp)
            columns["values"].append(record.value)
            columns["keys"].append(record.key)
            columns["headers"].append(tuple((key.encode(), value) for key, value in record.headers))
    return columns


@given(_BATCHES, st.integers(0, 1 << 40))
def test_records_are_those_that_aiokafka_reads(batches: list[tuple[str, list[Message]]], first: int) -> None:
    """Of every codec, with keys, values and headers that are null or long."""
    data = _encode(batches, first)
    [records] = read_batches([(data, first, (), True)], 1)
    assert records.fault is None
    assert records.columns() == _by_aiokafka(data)
    count = sum(len(messages) for _, messages in batches)
    assert (records.count, records.next_offset) == (count, first + count)
    assert scan_batches(data) == (len(data), first + count if batches else None, count, True)


@pytest.mark.parametrize("codec", CODECS)
def test_entries_are_read_by_many_threads_in_their_order(codec: str) -> None:
    """Each by itself, with a checksum that Python can compute."""
    entries = [[Message(b"%d of %d" % (n, many)) for n in range(many)] for many in range(1, 60)]
    data = [record_batch(messages, 7, codec=codec) for messages in entries]
    read = read_batches([(one, 7, (), True) for one in data], 3)
    for messages, records in zip(entries, read, strict=True):
        values = [message.value or b"" for message in messages]
        checksum = 17
        for value in values:
            checksum = zlib.crc32(value, zlib.crc32(len(value).to_bytes(4), checksum))
        assert records.crc(17) == checksum
        assert records.value_bytes == sum(map(len, values))
        assert records.columns()["values"] == values


def test_aborted_transactions_are_left_out_for_readers_of_what_is_committed() -> None:
    """Whoever reads all sees them."""
    builder = DefaultRecordBatchBuilder(
        magic=2,
        compression_type=0,
        is_transactional=True,
        producer_id=9,
        producer_epoch=0,
        base_sequence=0,
        batch_size=1 << 20,
    )
    builder.append(0, 1_700_000_000_000, None, b"aborted", [])
    data = bytes(builder.build())
    entries = [(data, 0, [(9, 0)], True), (data, 0, [(9, 0)], False), (data, 0, [], True)]
    assert [records.count for records in read_batches(entries, 1)] == [0, 1, 1]


def test_a_damaged_batch_is_a_fault_with_its_place() -> None:
    """What lies before it is read."""
    good = record_batch([Message(b"one"), Message(b"two")], 5)
    bad = bytearray(record_batch([Message(b"three")], 7))
    bad[-3] ^= 1
    [records] = read_batches([(good + bytes(bad), 5, (), True)], 1)
    fault = records.fault
    assert fault is not None
    assert (fault.offset, fault.code) == (7, "checksum_mismatch")
    assert f"batch at offset 7, byte {len(good)} of the fetched records" in fault.message
    assert records.columns()["values"] == [b"one", b"two"]
