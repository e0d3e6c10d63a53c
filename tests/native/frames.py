"""Record batches as a broker would send them, by aiokafka's own encoder."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.util import calc_crc32c

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
    messages: Sequence[Message],
    base_offset: int = 0,
    *,
    codec: str = "none",
    leader_epoch: int = 0,
    producer: int = -1,
) -> bytes:
    """One batch, the offsets of its records from `base_offset` on; of a transaction, if a producer is named."""
    builder = DefaultRecordBatchBuilder(
        magic=2,
        compression_type=CODECS[codec],
        is_transactional=producer >= 0,
        producer_id=producer,
        producer_epoch=-1,
        base_sequence=-1,
        batch_size=1 << 30,
    )
    for number, message in enumerate(messages):
        headers: Any = list(message.headers)  # a key of bytes is encoded as well, whatever the types say
        builder.append(number, message.timestamp_ms, message.key, message.value, headers)
    batch = bytearray(builder.build())
    # The broker's part, which the checksum does not cover.
    batch[0:8] = struct.pack(">q", base_offset)
    batch[12:16] = struct.pack(">i", leader_epoch)
    return bytes(batch)


def abort_marker(producer: int, offset: int) -> bytes:
    """What ends an aborted transaction: a control batch of one record."""
    marker = Message(b"\0\0\0\0\0\0", key=struct.pack(">hh", 0, 0))
    batch = bytearray(record_batch([marker], offset, producer=producer))
    batch[22] |= 0x20
    batch[17:21] = struct.pack(">I", calc_crc32c(bytes(batch[21:])))
    return bytes(batch)


def as_frame(
    data: Buffer,
    fetch_offset: int,
    next_offset: int,
    *,
    limit: int | None = None,
    aborted: Sequence[tuple[int, int]] = (),
) -> RawBatch:
    """What the source makes of it."""
    view = memoryview(data)
    frame = RawFrame(view, aborted, read_committed=True, records=next_offset - fetch_offset)
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
