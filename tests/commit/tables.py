"""Parquet directories made without the core: commits as the daemon would make them, rows by pyarrow."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from penstock.batch import Counts, Cut, Partition, Range
from penstock.commit.parquet_directory import ParquetDirectory
from penstock.sink.local import LocalStorage

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import Any

    from penstock.batch import Gap, Outcome
    from penstock.commit.effects import Table
    from penstock.sink.data_file import DataFile

CLUSTER = "cluster-1"
P0 = Partition(CLUSTER, "agent-events", "0123456789abcdef" * 2, 0)
FIRST = "agent-events-00000-0123456789abcdef0123456789abcdef-00000000000000000010.parquet"
"""The file of the commit of `P0` that begins at offset 10."""
PLACE = [
    pa.field("kafka_topic", pa.string(), nullable=False),
    pa.field("kafka_partition", pa.int32(), nullable=False),
    pa.field("kafka_offset", pa.int64(), nullable=False),
]
COLUMNS: dict[Table, Any] = {
    "main": pa.schema([pa.field("level", pa.string()), *PLACE]),
    "dead_letter": pa.schema([*PLACE, pa.field("code", pa.string()), pa.field("replayed", pa.bool_())]),
}
_numbers = itertools.count(1)


def schema_json(schema: Any) -> str:
    """As `Engine.schema_json`."""
    return json.dumps([{"name": f.name, "type": str(f.type), "nullable": f.nullable} for f in schema])


SCHEMAS: dict[Table, str] = {role: schema_json(schema) for role, schema in COLUMNS.items()}


def open_tables(
    path: Path, *, name: str = "job", cluster_id: str = CLUSTER, take_over: bool = False
) -> ParquetDirectory:
    """The tables `events` and `dead` below `path`."""
    storages = [LocalStorage(path / folder) for folder in ("events", "dead")]
    for storage in storages:
        storage.make()
    return ParquetDirectory(*storages, name=name, cluster_id=cluster_id, schemas=SCHEMAS, take_over=take_over)


def make_cut(
    start: int,
    end: int,
    *,
    rows: int = 0,
    dead_letters: int = 0,
    partition: Partition = P0,
    plan: str = "plan",
    gaps: tuple[Gap, ...] = (),
) -> Cut:
    """A cut with a commit id of its own, whose other offsets are holes."""
    counts = Counts(rows + dead_letters, rows, dead_letters)
    return Cut(partition, 1, Range(start, end), f"commit-{next(_numbers)}", plan, counts, gaps)


def write(
    tables: ParquetDirectory,
    role: Table,
    cut: Cut,
    span: Range,
    offsets: Sequence[int],
    *,
    replayed: Sequence[int] = (),
    schema: Any = None,
) -> DataFile:
    """The finished file of `cut` with a row per offset, not put."""
    values = {
        "level": ["info"] * len(offsets),
        "kafka_topic": [cut.partition.topic] * len(offsets),
        "kafka_partition": [cut.partition.number] * len(offsets),
        "kafka_offset": list(offsets),
        "code": ["invalid_json"] * len(offsets),
        "replayed": [offset in replayed for offset in offsets],
    }
    schema = COLUMNS[role] if schema is None else schema
    footer = schema.with_metadata(tables.footer(role, cut, span))
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table([values[name] for name in schema.names], schema=footer), sink)
    file = tables.create(role, cut.partition, span.start, cut.commit_id)
    file.append([sink.getvalue()], start=0)
    file.finish()
    return file


def put(
    tables: ParquetDirectory,
    role: Table,
    cut: Cut,
    span: Range,
    offsets: Sequence[int],
    *,
    replayed: Sequence[int] = (),
    schema: Any = None,
) -> Outcome:
    """Write and put one file."""
    file = write(tables, role, cut, span, offsets, replayed=replayed, schema=schema)
    try:
        return tables.put(role, file, cut, span)
    finally:
        file.discard()


def commit(
    tables: ParquetDirectory,
    start: int,
    end: int,
    *,
    rows: Sequence[int] | None = None,
    dead: Sequence[int] = (),
    dead_from: int | None = None,
    partition: Partition = P0,
    plan: str = "plan",
) -> Cut:
    """A whole cut: dead letters first, from `dead_from`, then main. Every offset is a record unless `rows` says."""
    kept = [offset for offset in range(start, end) if offset not in dead] if rows is None else list(rows)
    cut = make_cut(start, end, rows=len(kept), dead_letters=len(dead), partition=partition, plan=plan)
    if dead:
        put(tables, "dead_letter", cut, Range(start if dead_from is None else dead_from, end), dead)
    put(tables, "main", cut, cut.range, kept)
    return cut
