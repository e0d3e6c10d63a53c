"""What other programs find in a data file that the core wrote."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from penstock._native import Engine
from penstock.batch import Partition, RawBatch, RecordColumns

if TYPE_CHECKING:
    from pathlib import Path

ROWS: Final = 5_000
PARTITION: Final = Partition("cluster", "events", "id", 0)
TYPES: Final = {
    "id": "string",
    "level": "string",
    "text": "string",
    "tokens": "int64",
    "latency": "float64",
    "ok": "bool",
    "at": "timestamp[ms, UTC]",
    "tags": "list<string>",
}
EXPECTED: Final = [
    {
        "id": f"{row * 0x9E3779B97F4A7C15 % 2**64:016x}",
        "level": None if row % 7 == 0 else ("info", "warn")[row % 2],
        "text": "Long text. " * (row % 40),
        "tokens": None if row % 5 == 0 else row * row,
        "latency": row / 7,
        "ok": row % 3 == 0,
        "at": 1_767_600_000_000 + row,
        "tags": ["a", "b"][: row % 3],
    }
    for row in range(ROWS)
]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of these rows, with several row groups."""
    columns = [{"name": name, "path": [name], "type": kind} for name, kind in TYPES.items()]
    config = {"columns": columns, "kafka_columns": False, "encode": {"row_group_bytes": 100_000}}
    engine = Engine(json.dumps(config), 1)
    engine.open(PARTITION.topic, PARTITION.number, 1, 0, None)
    values = [json.dumps(row).encode() for row in EXPECTED]
    offsets = range(ROWS)
    nones: list[None] = [None] * ROWS
    records = RecordColumns(values, nones, [()] * ROWS, offsets, offsets)
    engine.ingest([RawBatch(PARTITION, 1, 0, ROWS, 0, records)])
    written = tmp_path_factory.mktemp("readers") / "file.parquet"
    written.write_bytes(b"".join(engine.seal("main", PARTITION.topic, PARTITION.number, 1, {})))
    return written


def test_pyarrow_finds_strings_and_every_value(file: Path) -> None:
    """Strings, whatever the core's batches hold: no views, also inside lists."""
    table = pq.read_table(file)
    assert table.schema.field("text").type == pa.string()
    assert table.schema.field("tags").type.value_type == pa.string()
    at = table.schema.get_field_index("at")
    rows = table.set_column(at, "at", table["at"].cast(pa.int64())).drop_columns(["_residue"]).to_pylist()
    assert rows == EXPECTED
    assert pq.ParquetFile(file).num_row_groups > 1


def test_polars_finds_every_value(file: Path) -> None:
    """The same rows."""
    frame = pl.read_parquet(file).drop("_residue").with_columns(pl.col("at").cast(pl.Int64))
    assert frame.schema["text"] == pl.String
    assert frame.to_dicts() == EXPECTED


def test_duckdb_finds_every_value(file: Path) -> None:
    """The same rows, and the statistics skip what a filter excludes without losing what it wants."""
    read = f'SELECT * EXCLUDE (_residue) REPLACE (epoch_ms("at") AS "at") FROM "{file}"'  # noqa: S608 - A path of ours.
    found = duckdb.connect().execute(read)
    names = [column[0] for column in found.description or ()]
    assert [dict(zip(names, row, strict=True)) for row in found.fetchall()] == EXPECTED
    wanted = EXPECTED[4_321]
    row = duckdb.connect().execute(f"SELECT tokens FROM '{file}' WHERE id = '{wanted['id']}'").fetchall()  # noqa: S608
    assert row == [(wanted["tokens"],)]
