"""The readers that are called from Python, each as its documentation says it is fastest on one thread."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Protocol

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from bench.decoding.corpora import Corpus

_RESIDUE: Final = "_residue"
_BLOCK_BYTES: Final = 4 << 20
"""Of pyarrow; it is no faster with others."""


@dataclass(frozen=True)
class Source:
    """One corpus, in memory and in a file."""

    corpus: Corpus
    path: Path

    @cached_property
    def data(self) -> bytes:
        """Newline-delimited JSON."""
        return self.path.read_bytes()

    @cached_property
    def records(self) -> list[bytes]:
        """One `bytes` per record, as Kafka clients hand them over."""
        return self.data.splitlines()


class WrongError(Exception):
    """The reader itself says that it did not read everything."""


class Reader(Protocol):
    """Reads one corpus over and over."""

    def read(self) -> Any:
        """What is timed; the result is dropped off the clock."""

    def table(self, found: Any) -> pa.Table:
        """What `read` found, with members of objects as columns of their own."""


class Penstock:
    """Our decoder, every field declared, from one buffer."""

    def __init__(self, source: Source) -> None:
        from penstock import Decoder  # noqa: PLC0415 (each child imports its own reader)

        columns = {name: {"path": name, "type": kind} for name, kind in source.corpus.columns.items()}
        self.decoder = Decoder(columns, strings="view")
        self.data: bytes | list[bytes] = source.data

    def read(self) -> Any:
        return self.decoder.decode(self.data)

    def table(self, found: Any) -> pa.Table:
        if found.rejections:
            raise WrongError(f"{len(found.rejections)} records rejected, the first: {found.rejections[0].message}")
        table = pa.table(found.batch)
        if _RESIDUE in table.schema.names:
            if table[_RESIDUE].null_count != len(table):
                raise WrongError(f"{len(table) - table[_RESIDUE].null_count} rows with something in {_RESIDUE}")
            table = table.drop_columns(_RESIDUE)
        return table


class PenstockList(Penstock):
    """The same, from a list with the `bytes` of each record."""

    def __init__(self, source: Source) -> None:
        super().__init__(source)
        self.data = source.records


class Pyarrow:
    """`pyarrow.json.read_json` with the schema given."""

    def __init__(self, source: Source) -> None:
        from pyarrow import json as pa_json  # noqa: PLC0415

        self.source = pa.py_buffer(source.data)
        self.call = pa_json.read_json
        self.options: dict[str, Any] = {
            "read_options": pa_json.ReadOptions(use_threads=False, block_size=_BLOCK_BYTES),
            "parse_options": pa_json.ParseOptions(
                explicit_schema=source.corpus.schema, unexpected_field_behavior="ignore"
            ),
        }

    def read(self) -> Any:
        return self.call(pa.BufferReader(self.source), **self.options)

    def table(self, found: Any) -> pa.Table:
        return found.flatten()


class Polars:
    """`polars.read_ndjson` with the schema given."""

    def __init__(self, source: Source) -> None:
        import polars as pl  # noqa: PLC0415

        self.data = source.data
        self.call = pl.read_ndjson
        self.schema = pl.DataFrame(source.corpus.schema.empty_table()).schema

    def read(self) -> Any:
        return self.call(self.data, schema=self.schema)

    def table(self, found: Any) -> pa.Table:
        from polars import CompatLevel  # noqa: PLC0415

        return found.to_arrow(compat_level=CompatLevel.oldest()).flatten()


class Duckdb:
    """`read_ndjson` with the columns given, from the file, which is in the page cache; the answer as an Arrow table."""

    def __init__(self, source: Source) -> None:
        import duckdb  # noqa: PLC0415

        self.connection = duckdb.connect(config={"threads": 1})
        columns = {field.name: _duckdb_type(field.type) for field in source.corpus.schema}
        self.query = f"SELECT * FROM read_ndjson('{source.path}', columns = {columns})"  # noqa: S608 (ours)

    def read(self) -> Any:
        return self.connection.sql(self.query).to_arrow_table()

    def table(self, found: Any) -> pa.Table:
        return found.flatten()


def _duckdb_type(kind: pa.DataType) -> str:
    if pa.types.is_list(kind):
        return f"{_duckdb_type(kind.value_type)}[]"
    if pa.types.is_struct(kind):
        return "STRUCT(" + ", ".join(f'"{field.name}" {_duckdb_type(field.type)}' for field in kind) + ")"
    return {"string": "VARCHAR", "int64": "BIGINT", "double": "DOUBLE", "bool": "BOOLEAN"}[str(kind)]


class Orjson:
    """`orjson.loads` of each record, and no more: Python objects, no columns."""

    def __init__(self, source: Source) -> None:
        import orjson  # noqa: PLC0415

        self.records = source.records
        self.schema = source.corpus.schema
        self.loads = orjson.loads

    def read(self) -> Any:
        loads = self.loads
        return [loads(record) for record in self.records]

    def table(self, found: Any) -> pa.Table:
        return pa.Table.from_pylist(found, self.schema).flatten()


class OrjsonArrow(Orjson):
    """The same, then `pyarrow.Table.from_pylist` with the schema given."""

    def read(self) -> Any:
        loads = self.loads
        return pa.Table.from_pylist([loads(record) for record in self.records], self.schema)

    def table(self, found: Any) -> pa.Table:
        return found.flatten()


PYTHON_READERS: Final[Mapping[str, Callable[[Source], Reader]]] = {
    "penstock": Penstock,
    "penstock_list": PenstockList,
    "pyarrow": Pyarrow,
    "polars": Polars,
    "duckdb": Duckdb,
    "orjson": Orjson,
    "orjson_arrow": OrjsonArrow,
}
