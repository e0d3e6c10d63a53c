"""Values through the real engine, and back as plain Python."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from penstock._native import Engine
from penstock.batch import Partition, RawBatch, RecordColumns
from tests.decode.reading import read
from tests.decode.reference import Rejected, Row, Rules

if TYPE_CHECKING:
    from collections.abc import Sequence

    from penstock._native import OffsetRejection, Report
    from tests.decode.reference import Column

PARTITION = Partition("cluster", "events", "id", 0)
FIRST_OFFSET = 100
DEEPEST = 10_000
"""How deep a test's residue may be."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """What became of one batch, by the index of the value."""

    rows: dict[int, tuple[dict[str, Any], dict[str, str]]]
    """Columns by name, and the residue: as written, by path."""
    rejections: dict[int, OffsetRejection]
    report: Report

    def outcomes(self) -> dict[int, Any]:
        """Rows and rejections, to be compared with `expected_outcomes`."""
        rejected = {index: Rejected(found.code, found.byte_position) for index, found in self.rejections.items()}
        return {index: (exact(values), residue) for index, (values, residue) in self.rows.items()} | rejected


def expected_outcomes(results: Sequence[Row | Rejected]) -> dict[int, Any]:
    """What the reference says of each value of a batch, as `Decoded.outcomes` gives it."""
    return {
        index: (exact(result.values), result.residue) if isinstance(result, Row) else result
        for index, result in enumerate(results)
    }


def exact(values: dict[str, Any]) -> dict[str, Any]:
    """With floats told apart to the last bit, the sign of zero too."""
    return {name: value.hex() if isinstance(value, float) else value for name, value in values.items()}


def decode(columns: Sequence[Column], rules: Rules, values: Sequence[bytes | None]) -> Decoded:
    """One batch of these values, decoded."""
    nones: list[None] = [None] * len(values)
    offsets = range(FIRST_OFFSET, FIRST_OFFSET + len(values))
    records = RecordColumns(values, nones, [()] * len(values), offsets, offsets)
    batch = RawBatch(PARTITION, 1, offsets[0], offsets[-1] + 1, 0, records)
    ingested = engine(tuple(columns), rules).ingest([batch])
    arrow = pa.record_batch(ingested.batches[0])
    arrow.validate(full=True)
    rejections = {found.offset - FIRST_OFFSET: found for found in ingested.rejections[0]}
    assert len(rejections) == len(ingested.rejections[0])
    return Decoded(dict(map(_row, plain_rows(arrow))), rejections, ingested.reports[0])


@cache
def engine(columns: tuple[Column, ...], rules: Rules) -> Engine:
    """An engine that hands its batches back, with the partition open."""
    config = {
        "columns": [asdict(column) for column in columns],
        "decode": asdict(rules),
        "kafka_columns": True,
        "batches": True,
    }
    made = Engine(json.dumps(config), 1)
    made.open(PARTITION.topic, PARTITION.number, 1, 0, None)
    return made


def plain_rows(batch: pa.RecordBatch) -> list[dict[str, Any]]:
    """Rows of Python values; timestamps as integers, because Python's own end at microseconds."""
    columns = [column.cast(pa.int64()) if pa.types.is_timestamp(column.type) else column for column in batch.columns]
    return list(pa.RecordBatch.from_arrays(columns, batch.schema.names).to_pylist())


def _row(row: dict[str, Any]) -> tuple[int, tuple[dict[str, Any], dict[str, str]]]:
    index = row.pop("kafka_offset") - FIRST_OFFSET
    for name in ("kafka_topic", "kafka_partition", "kafka_timestamp"):
        del row[name]
    residue = row.pop("_residue", None)
    if residue is None:
        return index, (row, {})
    members = read(residue, DEEPEST, replace=False)[0].members
    assert members, "an empty residue is null"
    assert len(dict(members)) == len(members), "a path stands once in a residue"
    return index, (row, {path: value.text for path, value in members})
