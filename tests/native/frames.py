"""Record batches as a broker would send them, by aiokafka's own encoder."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiokafka.record.default_records import DefaultRecordBatchBuilder

from penstock.batch import Partition, RawBatch, RawFrame, RecordColumns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from typing_extensions import Buffer

PARTITION = Partition("cluster", "events", "id", 0)
CODECS = {"none": 0, "gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}


@dataclass(frozen=True, slots=True)
class Message:
    """One record that a producer sends."""

    value: bytes | None
    key: bytes | None = None
    headers: Sequence[tuple[str | bytes, bytes | None]] = ()
    timestamp_ms: int = 1_700_000_000_000


def record_batch(
    messages: Sequence[Message], base_offset: int = 0, *, codec: str = "none", leader_epoch: int = 0
) -> bytes:
    """One batch, the offsets of its records from `base_offset` on."""
    builder = DefaultRecordBatchBuilder(
        magic=2,
        compression_type=CODECS[codec],
        is_transactional=False,
        producer_id=-1,
        producer_epoch=-1,
        base_sequence=-1,
        batch_size=1 << 30,
    )
    for number, message in enumerate(messages):
        builder.append(number, message.timestamp_ms, message.key, message.value, message.headers)  # type: ignore[arg-type]
    batch = bytearray(builder.build())
    # The broker's part, which the checksum does not cover.
    batch[0:8] = struct.pack(">q", base_offset)
    batch[12:16] = struct.pack(">i", leader_epoch)
    return bytes(batch)


def as_frame(data: Buffer, fetch_offset: int, next_offset: int, *, limit: int | None = None) -> RawBatch:
    """What the source makes of it."""
    view = memoryview(data)
    frame = RawFrame(view, (), read_committed=True, records=next_offset - fetch_offset)
    return RawBatch(PARTITION, 1, fetch_offset, next_offset, view.nbytes, frame, limit)


def as_columns(messages: Sequence[Message], fetch_offset: int = 0, *, limit: int | None = None) -> RawBatch:
    """The same records, taken apart by the source; their offsets are those of `fetch_offset` on."""
    end = fetch_offset + len(messages)
    columns = RecordColumns(
        [message.value for message in messages],
        [message.key for message in messages],
        [message.headers for message in messages],
        range(fetch_offset, end),
        [message.timestamp_ms for message in messages],
    )
    return RawBatch(PARTITION, 1, fetch_offset, end, 0, columns, limit)
