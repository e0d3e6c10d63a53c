"""What a fetch brought of one partition, as the stages after it take it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from penstock.batch import RawFrame, RecordColumns

if TYPE_CHECKING:
    from collections.abc import Sequence

_RECORD_OVERHEAD_BYTES = 200
"""What a record costs in Python objects beside its bytes; for the byte budget."""


@dataclass(frozen=True, slots=True)
class RawRecords:
    """The record batches of one fetch response."""

    fetch_offset: int
    """Where the fetch began; the first batch may begin before it."""
    next_offset: int
    data: memoryview
    """Whole batches. From one on that is damaged all that came, for the core to say how."""
    aborted: Sequence[tuple[int, int]]
    """Producer id and first offset of aborted transactions, by offset."""
    discarded_bytes: int
    """Of the last batch, which the broker cut off: they are fetched again."""
    records: int
    """By the headers; no more than so many are there."""


def frame(fetched: RawRecords, *, read_committed: bool) -> RawFrame:
    """Nothing is copied."""
    return RawFrame(data=fetched.data, aborted=fetched.aborted, read_committed=read_committed, records=fetched.records)


def columns(records: Sequence[Any]) -> tuple[RecordColumns, int]:
    """Records as aiokafka has them, possibly none, and what they hold in memory."""
    size = sum(record.serialized_value_size + record.serialized_key_size for record in records)
    return RecordColumns(
        values=[record.value for record in records],
        keys=[record.key for record in records],
        headers=[record.headers for record in records],
        offsets=[record.offset for record in records],
        timestamps=[-1 if record.timestamp is None else record.timestamp for record in records],
    ), size + len(records) * _RECORD_OVERHEAD_BYTES
