"""Records through the real engine: in as JSON, out as rows."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from penstock._native import Engine, Report
from penstock.batch import Partition, RawBatch, RecordColumns

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PARTITION = Partition("cluster", "events", "id", 0)


@dataclass(frozen=True, slots=True)
class Table:
    """What came out."""

    rows: list[dict[str, Any]]
    report: Report


def engine(columns: Mapping[str, str], steps: Sequence[Mapping[str, Any]]) -> Engine:
    """An engine that hands rows back, of columns whose path is their name."""
    config = {
        "columns": [{"name": name, "path": [name], "type": kind} for name, kind in columns.items()],
        "transform": steps,
        "kafka_columns": False,
        "batches": True,
    }
    return Engine(json.dumps(config), 1)


def transformed(columns: Mapping[str, str], steps: Sequence[Mapping[str, Any]], records: Sequence[object]) -> Table:
    """The table of `records`, objects or JSON texts."""
    values = [record if isinstance(record, str) else json.dumps(record) for record in records]
    bodies = [value.encode() for value in values]
    nothing: list[None] = [None] * len(bodies)
    offsets = list(range(len(bodies)))
    batch_records = RecordColumns(bodies, nothing, [()] * len(bodies), offsets, offsets)
    batch = RawBatch(PARTITION, 1, 0, len(bodies), 0, batch_records)
    running = engine(columns, steps)
    running.open("events", 0, 1, 0, None)
    ingested = running.ingest([batch])
    (report,) = ingested.reports
    assert report.records == report.rows + report.dead_letters + report.filtered + report.tombstones
    return Table(pa.record_batch(ingested.batches[0]).to_pylist(), report)
