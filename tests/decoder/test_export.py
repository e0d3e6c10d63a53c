"""Batches in pyarrow, Polars and DuckDB: the same rows, without a copy, in the string type asked for."""

from __future__ import annotations

import gc
import struct
from typing import TYPE_CHECKING, Literal, get_args

import duckdb
import polars as pl
import pyarrow as pa
import pytest

from penstock import Batch, Decoder

if TYPE_CHECKING:
    from collections.abc import Iterator

Strings = Literal["view", "utf8", "large_utf8"]
STRINGS: tuple[Strings, ...] = get_args(Strings)
TYPES = {"view": pa.string_view(), "utf8": pa.string(), "large_utf8": pa.large_string()}
COLUMNS = {
    "s": "string",
    "n": "int64",
    "at": "timestamp[us, UTC]",
    "l": "list<string>",
    "r": "struct<f: string>",
    "m": "map<string, string>",
    "raw": "json",
}
LONG = "a text that is longer than a view"
ROW = {"s": LONG, "n": 1, "at": None, "l": ["x", None], "r": {"f": "y"}, "m": [("k", "v")], "raw": '{"a":1}'}
DATA = (
    b'{"s":"%s","n":1,"at":"2026-05-04T14:00:00Z","l":["x",null],"r":{"f":"y"},"m":{"k":"v"},"raw":{"a":1},"z":0}\n'
    b'{"n":2,"s":"\\u00e9"}\n' % LONG.encode()
)


def batch(strings: Strings = "view") -> Batch:
    return Decoder(COLUMNS, strings=strings).decode(DATA).batch


def text_types(type_: pa.DataType) -> Iterator[pa.DataType]:
    if type_.num_fields:
        for index in range(type_.num_fields):
            yield from text_types(type_.field(index).type)
    elif "string" in str(type_):
        yield type_


@pytest.mark.parametrize("strings", STRINGS)
def test_text_is_of_the_type_asked_for_at_any_depth(strings: Strings) -> None:
    """Columns, what lies in them, and the residue; the values are the same."""
    decoder = Decoder(COLUMNS, strings=strings)
    found = pa.record_batch(decoder.decode(DATA).batch)
    found.validate(full=True)
    assert found.schema == decoder.schema
    assert list(text_types(pa.struct(list(found.schema)))) == [TYPES[strings]] * 7
    assert found.to_pylist()[0] | {"at": None} == {
        **ROW,
        "_residue": '{"z":0}',
    }
    assert found.column("s").to_pylist() == [LONG, "\u00e9"]


@pytest.mark.parametrize("strings", STRINGS)
def test_engines_take_a_batch_as_it_is(strings: Strings) -> None:
    """And see the same rows."""
    rows = batch(strings)
    expected = [(LONG, 1, ["x", None], {"f": "y"}, '{"z":0}'), ("\u00e9", 2, None, None, None)]
    names = ["s", "n", "l", "r", "_residue"]
    assert [tuple(row[name] for name in names) for row in pa.table(rows).to_pylist()] == expected
    found = pl.DataFrame(rows)
    assert found.select("s", "n", "_residue").rows() == [(*row[:2], row[4]) for row in expected]
    assert found.schema["at"] == pl.Datetime("us", "UTC")
    with duckdb.connect() as connection:
        asked = connection.execute("SELECT s, n, l, r, _residue FROM rows ORDER BY n")
        assert asked.fetchall() == expected
        assert connection.execute("SELECT m['k'] FROM rows WHERE n = 1").fetchall() == [("v",)]


@pytest.mark.parametrize("strings", STRINGS)
def test_a_batch_is_handed_over_without_a_copy(strings: Strings) -> None:
    """Exported twice, as array and as stream, it is the same memory, which lives as long as one of them."""
    rows = batch(strings)
    first, second = pa.record_batch(rows), pa.table(rows).combine_chunks().to_batches()[0]
    polars = pl.DataFrame(rows).to_arrow(compat_level=pl.CompatLevel.newest()).combine_chunks().to_batches()[0]
    for one, other in zip(first.columns, second.columns, strict=True):
        assert _addresses(one) == _addresses(other)
    assert _addresses(first.column("n"))[1] == _addresses(polars.column("n"))[1]
    del rows, second, polars
    gc.collect()
    assert first.column("s").to_pylist() == [LONG, "\u00e9"]


def _addresses(column: pa.Array) -> list[int | None]:
    return [buffer and buffer.address for buffer in column.buffers()]


def test_a_consumer_may_ask_for_other_types() -> None:
    """They are cast as they are handed over."""
    asked = pa.schema([("s", pa.large_string()), ("n", pa.int64())])
    rows = Decoder({"s": "string", "n": "int64"}, residue=False).decode(DATA).batch
    assert pa.record_batch(rows, asked).schema == asked
    assert pa.table(rows, asked).column("s").to_pylist() == [LONG, "\u00e9"]


def test_a_batch_has_a_length_and_a_schema() -> None:
    """Without its rows being looked at."""
    rows = batch()
    assert (len(rows), pa.schema(rows)) == (2, Decoder(COLUMNS).schema)
    assert isinstance(rows, Batch)


def test_views_point_into_the_input() -> None:
    """Text of `bytes` without escapes, and too long to lie in the view itself, stays where it is."""
    data = b"".join(b'{"s":"text number %04d, too long for a view"}\n' % n for n in range(100))
    column = pa.record_batch(Decoder({"s": "string"}).decode(data).batch).column("s")
    start = pa.py_buffer(data).address
    validity, views, *texts = column.buffers()
    del validity
    assert texts
    for row in range(len(column)):
        length, _, buffer, offset = struct.unpack_from("<i4sii", views, 16 * row)
        address = texts[buffer].address + offset
        assert start <= address
        assert address + length <= start + len(data)
        assert data[address - start :][:length].decode() == column[row].as_py()
