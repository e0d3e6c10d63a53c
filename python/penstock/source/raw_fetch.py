"""aiokafka's own fetcher, handing over record batches as the broker sent them: one object per partition and response.

The method that makes records of a fetch response is given two stand-ins for aiokafka's classes. Everything else stays
aiokafka's: what is fetched when, positions, seek, pause, rebalances, leaders that move.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from aiokafka.consumer.consumer import AIOKafkaConsumer
from aiokafka.consumer.fetcher import Fetcher, PartitionRecords
from aiokafka.record.memory_records import MemoryRecords

from penstock._native import scan_batches
from penstock.source.consumer import BoundedFetcher, Consumer
from penstock.source.fetched import RawRecords
from penstock.source.rebind import rebind
from penstock.source.receive import receive_into

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiokafka import TopicPartition

    from penstock._native import FramePool

_LENGTH_AT = 8
_LENGTH_ENDS_AT = 12
_MAGIC_AT = 16
_MAGIC = 2
"""Of record batches; smaller ones are of formats that brokers before 0.11 wrote."""


class Batches:
    """Stands in for aiokafka's `MemoryRecords`: the record batches of one partition in a response."""

    def __init__(self, data: bytes | memoryview | None) -> None:
        self.data = memoryview(data or b"")

    def has_next(self) -> bool:
        """Whether there is a whole batch; aiokafka makes a `RecordTooLargeError` of a part of one."""
        data = self.data
        if len(data) < _LENGTH_ENDS_AT:
            return False
        length = int.from_bytes(data[_LENGTH_AT:_LENGTH_ENDS_AT], "big", signed=True)
        return _LENGTH_ENDS_AT + length <= len(data)

    def size_in_bytes(self) -> int:
        """Of all of it."""
        return len(self.data)

    @property
    def old(self) -> bool:
        """Whether it begins with records in a format from before record batches."""
        return len(self.data) > _MAGIC_AT and self.data[_MAGIC_AT] < _MAGIC


class Once:
    """Stands in for aiokafka's `PartitionRecords`: one `RawRecords`, and the position behind it once it is taken."""

    def __init__(self, batches: Batches, aborted: Sequence[tuple[int, int]] | None, fetch_offset: int) -> None:
        self.next_fetch_offset = fetch_offset
        self._batches: Batches | None = batches
        self._aborted = aborted or ()

    def __iter__(self) -> Self:
        """See `PartitionRecords`."""
        return self

    def __next__(self) -> RawRecords:
        """See `PartitionRecords`."""
        batches, self._batches = self._batches, None
        if batches is None:
            raise StopIteration
        data, fetch_offset = batches.data, self.next_fetch_offset
        complete, next_offset, records, _ = scan_batches(data)
        if next_offset is not None:
            # Not less than the fetch began at: batches of a compacted topic may end before it.
            self.next_fetch_offset = max(next_offset, fetch_offset)
        return RawRecords(
            fetch_offset=fetch_offset,
            next_offset=self.next_fetch_offset,
            data=data[:complete],
            aborted=sorted(((producer, first) for producer, first in self._aborted), key=lambda entry: entry[1]),
            discarded_bytes=len(data) - complete,
            records=records,
        )


def partition_records(  # noqa: PLR0917 - aiokafka's signature
    tp: TopicPartition,
    records: Batches,
    aborted_transactions: Sequence[tuple[int, int]] | None,
    fetch_offset: int,
    key_deserializer: None,
    value_deserializer: None,
    check_crcs: bool,
    isolation_level: int,
) -> Once | PartitionRecords:
    """Called in place of `PartitionRecords`. Old formats are left to aiokafka."""
    if not records.old:
        return Once(records, aborted_transactions, fetch_offset)
    return PartitionRecords(
        tp,
        MemoryRecords(bytes(records.data)),
        aborted_transactions,
        fetch_offset,
        key_deserializer,
        value_deserializer,
        check_crcs,
        isolation_level,
    )


class RawFetcher(BoundedFetcher):
    """Fetches `RawRecords`, or aiokafka's records where their format is old."""

    _fetch_once = rebind(
        Fetcher._proc_fetch_request,  # noqa: SLF001
        MemoryRecords=Batches,
        PartitionRecords=partition_records,
    )


class RawConsumer(Consumer):
    """A `Consumer` whose `getmany` gives `RawRecords`, in memory of `pool`."""

    start = rebind(AIOKafkaConsumer.start, Fetcher=RawFetcher)

    def __init__(self, *topics: str, pool: FramePool, **settings: Any) -> None:
        super().__init__(*topics, **settings)
        receive_into(pool, self._client)
