"""The job of `bench/job.py` in plain Python, one event at a time: slow, and what every table is held against."""

from __future__ import annotations

import re
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from bench.job import DROPPED, DROPPED_LEVEL, MARK, Size

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_ADDRESS: Final = re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}")
_ROWS_AT_ONCE: Final = 20_000
_TYPES: Final = {
    "string": pa.large_string(),
    "int64": pa.int64(),
    "float64": pa.float64(),
    "bool": pa.bool_(),
    "timestamp[ms, UTC]": pa.timestamp("ms", "UTC"),
}
_TEXT: Final = (pa.string(), pa.large_string(), pa.string_view())
_KEY: Final = "event_id"
_RESIDUE: Final = "_residue"
"""A column that only Penstock writes; it must be null, for every key is declared and every value fits."""


def expected_row(value: bytes, size: Size) -> dict[str, Any] | None:
    """What must become of one event; None: it is dropped."""
    event = orjson.loads(value)
    if event.get("level") in {None, DROPPED_LEVEL}:  # `NULL <> 'debug'` is not true.
        return None
    row: dict[str, Any] = {}
    for name, declared in size.columns.items():
        path = name if isinstance(declared, str) else declared["path"]
        found: Any = event
        for part in path.split("."):
            found = None if found is None else found.get(part)
        row[name] = found
    row["at"] = datetime.fromisoformat(row["at"])
    for name in size.redacted:
        row[name] = None if row[name] is None else _ADDRESS.sub(MARK, row[name])
    del row[DROPPED]
    return row


def expected_table(values: Iterable[bytes], size: Size) -> pa.Table:
    """Every row that must be there, by its id."""
    declared = {name: kind if isinstance(kind, str) else kind["type"] for name, kind in size.columns.items()}
    schema = pa.schema({name: _TYPES[kind] for name, kind in declared.items() if name != DROPPED})
    rows = (row for value in values if (row := expected_row(value, size)) is not None)
    parts = [schema.empty_table()]
    while part := list(islice(rows, _ROWS_AT_ONCE)):
        parts.append(pa.Table.from_pylist(part, schema))
    return pa.concat_tables(parts).sort_by(_KEY)


def data_files(directory: Path) -> list[Path]:
    """The files that a reader of the directory sees."""
    return sorted(directory.glob("[!._]*.parquet"))


def difference(directory: Path, expected: pa.Table) -> str | None:
    """What distinguishes the table in `directory` from `expected`, in one line; None: nothing. Order is no matter."""
    files = data_files(directory)
    if not files:
        return "no table"
    try:
        opened = [pq.ParquetFile(path) for path in files]
        found = pa.concat_tables([file.read() for file in opened])
    except (pa.ArrowException, OSError) as error:
        return f"unreadable: {str(error).splitlines()[0]}"
    return (
        _columns_differ(found, expected)
        or _rows_differ(found, expected)
        or _values_differ(found, expected)
        or next(filter(None, map(_encoding_differs, files)), None)
    )


def _columns_differ(found: pa.Table, expected: pa.Table) -> str | None:
    for field in expected.schema:
        if field.name not in found.schema.names:
            return f"column {field.name} is missing"
        kind = found.schema.field(field.name).type
        if kind != field.type and not (kind in _TEXT and field.type in _TEXT):
            return f"column {field.name} is {kind}, not {field.type}"
    for name in set(found.schema.names) - set(expected.schema.names):
        if name != _RESIDUE:
            return f"column {name} should not be there"
        if found[name].null_count != len(found):
            return f"rows with something in {name}: {len(found) - found[name].null_count}"
    return None


def _rows_differ(found: pa.Table, expected: pa.Table) -> str | None:
    ours, theirs = expected[_KEY], found[_KEY].cast(pa.large_string())
    counts = {
        "missing": pc.sum(pc.invert(pc.is_in(ours, value_set=theirs.combine_chunks()))).as_py() or 0,
        "too many": pc.sum(pc.invert(pc.is_in(theirs, value_set=ours.combine_chunks()))).as_py() or 0,
        "there twice": len(theirs) - pc.count_distinct(theirs, mode="all").as_py(),
    }
    wrong = [f"rows {what}: {count}" for what, count in counts.items() if count]
    return ", ".join(wrong) or None


def _values_differ(found: pa.Table, expected: pa.Table) -> str | None:
    """Both have the same ids, each once."""
    order = pc.sort_indices(found[_KEY].cast(pa.large_string()))
    for name in expected.schema.names:
        theirs, ours = found[name].cast(expected.schema.field(name).type).take(order), expected[name]
        unequal = pc.fill_null(pc.not_equal(theirs, ours), fill_value=False)
        differ = pc.or_(unequal, pc.xor(theirs.is_null(), ours.is_null()))
        if count := pc.sum(differ).as_py():
            first = expected[_KEY].filter(differ)[0]
            return f"rows that differ in {name}: {count}, the first has {_KEY} {first}"
    return None


def _encoding_differs(path: Path) -> str | None:
    """Whether some of the work was saved. Nobody needs the least and the greatest of long texts."""
    file = pq.read_metadata(path)
    for group in map(file.row_group, range(file.num_row_groups)):
        for chunk in map(group.column, range(group.num_columns)):
            name = chunk.path_in_schema
            if chunk.compression != "ZSTD" and (chunk.compression != "UNCOMPRESSED" or _would_shrink(path, chunk)):
                return f"column {name} is not compressed with zstd"
            if not chunk.is_stats_set and name not in {"content", _RESIDUE}:
                return f"column {name} has no statistics"
    return None


def _would_shrink(path: Path, chunk: pq.ColumnChunkMetaData) -> bool:
    """By more than a tenth, if it were compressed with zstd: random ids and delta-packed times hardly do."""
    with path.open("rb") as file:
        file.seek(chunk.dictionary_page_offset or chunk.data_page_offset)
        pages = file.read(chunk.total_compressed_size)
    shrunk = pa.Codec("zstd", compression_level=1).compress(pages, asbytes=True)
    return len(shrunk) < 0.9 * len(pages)
