"""What a reader found, in a form that readers in C++ and Rust can make too.

Per leaf of the nested records `[values, bytes of text, sum]`: nulls are not counted, and each value weighs in the sum
by its row and by its place among the leaf's values, so that one swapped for another shows. A text's value is its
CRC-32, a float's are its bits.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_MASK: Final = (1 << 64) - 1
_ROW_WEIGHT: Final = 1_000_003


@dataclass(frozen=True, slots=True)
class Digest:
    """Of one corpus."""

    rows: int
    leaves: Mapping[str, list[int]]

    def difference(self, other: Digest) -> str | None:
        """What of `other` is not as here, in a line; None: nothing. A leaf without values need not be there."""
        if other.rows != self.rows:
            return f"{other.rows} rows, not {self.rows}"
        nothing = [0, 0, 0]
        for leaf in {**self.leaves, **other.leaves}:
            here, there = self.leaves.get(leaf, nothing), other.leaves.get(leaf, nothing)
            for what, expected, found in zip(("values", "bytes of text"), here, there, strict=False):
                if found != expected:
                    return f"{leaf} has {found} {what}, not {expected}"
            if there != here:
                return f"{leaf} has other values"
        return None


def digest(table: pa.Table) -> Digest:
    """Of a table; members of objects are columns, or fields of a struct inside of a list."""
    leaves: dict[str, list[int]] = {}
    rows = pa.array(range(len(table)), pa.int64())
    for name, column in zip(table.schema.names, table.columns, strict=True):
        _add(name, pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type), rows, leaves)
    return Digest(len(table), leaves)


def _add(path: str, array: pa.Array, rows: pa.Array, leaves: dict[str, list[int]]) -> None:
    """`rows` says of which row each of the array's values is."""
    if pa.types.is_struct(array.type):
        for field, child in zip(array.type, array.flatten(), strict=True):
            _add(f"{path}.{field.name}", child, rows, leaves)
    elif pa.types.is_list(array.type):
        _add(path, pc.list_flatten(array), rows.take(pc.list_parent_indices(array)), leaves)
    else:
        leaf = leaves.setdefault(path, [0, 0, 0])
        for row, number, size in _numbers(rows.to_pylist(), array.to_pylist()):
            weight = 2 * (row * _ROW_WEIGHT + leaf[0]) + 1
            leaf[0] += 1
            leaf[1] += size
            leaf[2] = (leaf[2] + number * weight) & _MASK


def _numbers(rows: Sequence[int], values: Sequence[object]) -> Iterator[tuple[int, int, int]]:
    for row, value in zip(rows, values, strict=True):
        match value:
            case None:
                continue
            case str():
                text = value.encode()
                yield row, zlib.crc32(text), len(text)
            case float():
                yield row, int.from_bytes(struct.pack("<d", value), "little"), 0
            case int():
                yield row, value & _MASK, 0
