"""The first records of a file, and the columns they suggest."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from penstock._native import infer_schema
from penstock.errors import UsageError
from penstock.source.compressed import DamagedError, decompressed
from penstock.source.lines import BLOCK_BYTES, Lines, records_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from penstock._native import Inferred
    from penstock.config.decode import Decode

MOST_BYTES = 256 * 2**20
"""A sample of huge records is a shorter one."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Values of records in their order. `damage` says why there are no more, if they end in the middle of the file."""

    name: str
    values: list[bytes]
    damage: str | None = None


def read_sample(path: Path, decode: Decode) -> Sample:
    """The first `infer_records` lines of a file, `.gz` and `.zst` decompressed; blocks.

    Raises `UsageError` if it can't be read or no line of it can be.
    """
    values: list[bytes] = []
    size = 0
    damage = None
    lines = Lines(decode.max_bytes)
    try:
        with path.open("rb") as file:
            stream = decompressed(file, path.name)
            while len(values) < decode.infer_records and size < MOST_BYTES:
                block = stream.read(BLOCK_BYTES)
                if not block:
                    values += records_of(lines.end())
                    break
                if not size and b"\0" in block:
                    raise UsageError(f"{path} is a binary file; a sample has one JSON object per line.")
                size += len(block)
                values += records_of(lines.feed(block))
    except DamagedError as error:
        damage = str(error)
    except IsADirectoryError:
        raise UsageError(f"{path} is a directory; name one file of it.") from None
    except FileNotFoundError:
        raise UsageError(f"{path}: no such file; a sample is a file with one JSON object per line.") from None
    except OSError as error:
        raise UsageError(f"{path} can't be read: {error.strerror or error}.") from None
    if not values:
        reason = f"{damage}, before its first record ends" if damage else "it is empty"
        raise UsageError(f"{path} is no sample: {reason}. A sample has one JSON object per line.")
    return Sample(str(path), values[: decode.infer_records], damage)


def infer(sample: Sample, decode: Decode) -> Inferred:
    """Columns for records like those of the sample; computes for a while. `UsageError` if there is no such record."""
    return infer_columns(sample.name, sample.values, decode)


def infer_columns(name: str, values: Sequence[bytes], decode: Decode) -> Inferred:
    """As `infer`, of any values; `name` is what they came from."""
    inferred = infer_schema(values, json.dumps(decode.rules()))
    if inferred.columns:
        return inferred
    if not inferred.rejections:
        raise UsageError(f"{name}: its first {len(values)} records have no keys; a column is a key of a JSON object.")
    first = inferred.rejections[0]
    raise UsageError(
        f"{name}: none of its first {len(values)} records can be decoded; record {first.index + 1} is {first.code} "
        f"({first.message}). A sample has one JSON object per line."
    )
