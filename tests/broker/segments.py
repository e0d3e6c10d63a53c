"""What is in the files of a broker's log, read without any client."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

_HEADER = struct.Struct(">qiiBIHiqqqhii")
_CODEC = 0b111
_CONTROL = 0x20
_DELETE_HORIZON = 0x40


class StoredBatch(NamedTuple):
    """The header of a record batch, and where in the file it is. `records` are what is left, `span` the offsets."""

    offset: int
    position: int
    length: int
    span: int
    records: int
    codec: int
    control: bool
    delete_horizon: bool


def stored_batches(segment: Path) -> list[StoredBatch]:
    """Of a segment's file, in order."""
    data, found, position = segment.read_bytes(), [], 0
    while position + _HEADER.size <= len(data):
        offset, length, _, _, _, attributes, last, *_, records = _HEADER.unpack_from(data, position)
        codec, control, horizon = attributes & _CODEC, bool(attributes & _CONTROL), bool(attributes & _DELETE_HORIZON)
        found.append(StoredBatch(offset, position, 12 + length, last + 1, records, codec, control, horizon))
        position += 12 + length
    return found
