"""Columns and options: what they mean, where columns come from, and every mistake in one message."""

from __future__ import annotations

import tomllib
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import polars as pl
import pyarrow as pa
import pytest

from penstock import Decoder, infer_schema

if TYPE_CHECKING:
    from collections.abc import Mapping

RECORDS = [b'{"id":"a","usage":{"tokens":7}}', b"[]", b'{"id":"b","at":"2026-05-04T14:00:00Z"}']


def rows(decoder: Decoder, *records: bytes | None) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = pa.record_batch(decoder.decode(records).batch).to_pylist()
    return found


def codes(decoder: Decoder, *records: bytes) -> list[str]:
    return [found.code for found in decoder.decode(records).rejections]


def test_columns_are_as_in_a_pipeline_file() -> None:
    """A type, or a table with path, type and whether it is required; any mapping will do."""
    columns: dict[str, Mapping[str, Any]] = {
        "id": {"type": "string", "required": True},
        "tokens": {"path": "usage.tokens", "type": "int64"},
        "dotted": MappingProxyType({"path": ["a.b", "c"], "type": "json"}),
    }
    decoder = Decoder(MappingProxyType(columns))
    record = b'{"id":"x","usage":{"tokens":1,"more":2},"a.b":{"c":[1]}}'
    assert rows(decoder, record) == [{"id": "x", "tokens": 1, "dotted": "[1]", "_residue": '{"usage.more":2}'}]
    assert codes(decoder, b"{}") == ["missing_required"]
    assert decoder.columns["tokens"] == {"path": ["usage", "tokens"], "type": "int64", "required": False}
    assert repr(decoder) == "<Decoder id: string, tokens: int64, dotted: json>"
    again = Decoder(decoder.columns)
    assert (again.columns, again.schema) == (decoder.columns, decoder.schema)


def test_options_are_those_of_a_pipeline_file() -> None:
    """Each is heard."""
    columns = {"n": "int64", "s": "string"}
    assert rows(Decoder(columns), b'{"n":"1","z":0}') == [{"n": None, "s": None, "_residue": '{"n":"1","z":0}'}]
    assert rows(Decoder(columns, coerce=True), b'{"n":"1"}') == [{"n": 1, "s": None, "_residue": None}]
    assert rows(Decoder(columns, residue=False), b'{"z":0}') == [{"n": None, "s": None}]
    assert codes(Decoder(columns), b'{"s":"\\ud800"}', b'{"s":"\xff"}') == ["lone_surrogate", "invalid_utf8"]
    assert rows(Decoder(columns, invalid_text="replace"), b'{"s":"\xff"}')[0]["s"] == "\N{REPLACEMENT CHARACTER}"
    assert codes(Decoder(columns, max_depth=1), b'{"z":[]}') == ["too_deep"]
    assert codes(Decoder(columns, max_bytes=8), b'{"n":1234}') == ["too_large"]
    assert codes(Decoder(columns, max_bytes="1kB"), b'{"s":"%s"}' % (b"x" * 1000)) == ["too_large"]


def test_an_arrow_schema_names_the_columns() -> None:
    """Of pyarrow or Polars; what is not nullable is required, and a name is one key, dots and all."""
    schema = pa.schema(
        [
            pa.field("id", pa.large_string(), nullable=False),
            ("a.b", pa.float64()),
            ("at", pa.timestamp("ms", "UTC")),
            ("price", pa.decimal128(9, 2)),
            ("raw", pa.binary()),
            ("tags", pa.list_(pa.string_view())),
            ("who", pa.struct([("name", pa.string()), ("born", pa.date32())])),
            ("labels", pa.map_(pa.string(), pa.bool_())),
            ("any", pa.json_()),
        ]
    )
    decoder = Decoder(schema)
    assert {name: column["type"] for name, column in decoder.columns.items()} == {
        "id": "string",
        "a.b": "float64",
        "at": "timestamp[ms, UTC]",
        "price": "decimal(9, 2)",
        "raw": "binary[base64]",
        "tags": "list<string>",
        "who": "struct<name: string, born: date>",
        "labels": "map<string, bool>",
        "any": "json",
    }
    assert [name for name, column in decoder.columns.items() if column["required"]] == ["id"]
    (row,) = rows(decoder, b'{"id":"x","a.b":0.5,"raw":"+/8=","any":{"k":1}}')
    assert (row["a.b"], row["raw"], row["any"]) == (0.5, b"\xfb\xff", '{"k":1}')
    polars = Decoder(pl.Schema({"s": pl.String(), "at": pl.Datetime("us", "UTC"), "l": pl.List(pl.Int64())}))
    assert [column["type"] for column in polars.columns.values()] == ["string", "timestamp[us, UTC]", "list<int64>"]


def test_a_decoders_schema_gives_the_same_decoder() -> None:
    """But for `_residue`, which is refused: whether there is one is an option."""
    decoder = Decoder({"s": "string", "l": "list<struct<a: int64>>", "d": "date"})
    assert Decoder(decoder.schema.remove(3)).columns == decoder.columns
    with pytest.raises(ValueError, match=r"columns\._residue: .* leave it out, residue=True adds it"):
        Decoder(decoder.schema)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"columns": {}}, ValueError, "columns is empty; declare at least one, or leave columns out"),
        ({"columns": ["a"]}, TypeError, "columns is a list; pass a dict of names and types"),
        ({"columns": "a"}, TypeError, "columns is a str; pass a dict of names and types"),
        ({"columns": {1: "int64"}}, TypeError, "columns: 1 is not a name"),
        ({"columns": {"": "int64"}}, ValueError, 'columns: "" is not a name'),
        ({"columns": {"a": "int"}}, ValueError, r'columns\.a\.type: "int" is not a column type; did you mean "int64"'),
        ({"columns": {"a": 3}}, ValueError, r"columns\.a\.type: 3 is not a column type"),
        ({"columns": {"a": {"typ": "int64"}}}, ValueError, r'columns\.a\.typ: unknown key; did you mean "type"'),
        ({"columns": {"a": {"path": "a"}}}, ValueError, r"columns\.a\.type: required key is missing"),
        ({"columns": {"a": {"type": "json", "path": "a..b"}}}, ValueError, r"columns\.a\.path: .* key in it is empty"),
        (
            {"columns": {"a": "int64", "b": {"path": "a.b", "type": "json"}}},
            ValueError,
            r"columns\.a\.path: is the beginning of another column's path",
        ),
        ({"columns": {"_residue": "string"}}, ValueError, "the decoder's own column"),
        ({"max_depth": "deep"}, TypeError, 'max_depth: "deep" is not an integer'),
        ({"max_depth": 0}, ValueError, "max_depth: 0 is out of range; it must be at least 1"),
        ({"max_bytes": "16 bananas"}, ValueError, 'max_bytes: "16 bananas" is not a size; write it like "128MiB"'),
        ({"max_bytes": 1 << 40}, ValueError, "^max_bytes: must be from 1 to"),
        ({"strings": "string"}, ValueError, 'strings: "string" is not one of "view"'),
        ({"strings": None}, ValueError, "strings: "),
        ({"invalid_text": "ignore"}, ValueError, 'invalid_text: "ignore" is not "reject" or "replace"'),
        ({"residue": 1}, TypeError, "residue: 1 is not true or false"),
        ({"coerce": "no"}, TypeError, 'coerce: "no" is not true or false'),
        ({"infer_records": 0}, ValueError, "infer_records: 0 is out of range"),
        ({"columns": pa.int64()}, TypeError, "columns: not the schema of a table"),
        ({"columns": pa.schema([])}, ValueError, "columns is empty"),
        ({"columns": pa.schema([("a", pa.int32())])}, ValueError, 'columns: field "a": .* Int32; use int64'),
        ({"columns": pa.schema([("a", pa.list_(pa.null()))])}, ValueError, r'columns: field "a\.item": .*; use string'),
        ({"columns": pa.schema([("a", pa.int64()), ("a", pa.int64())])}, ValueError, 'field "a" is there twice'),
        ({"columns": pa.schema([("", pa.int64())])}, ValueError, 'columns: "" is not a name'),
    ],
)
def test_a_mistake_is_named_with_what_to_write(options: dict[str, Any], error: type[Exception], words: str) -> None:
    """As `ValueError`, or `TypeError` where the type is what is wrong."""
    with pytest.raises(error, match=words):
        Decoder(**options)


def test_all_mistakes_are_in_one_message() -> None:
    """One per line."""
    with pytest.raises(ValueError, match="columns") as raised:
        Decoder({"a": "int", "b": {"type": "date", "required": 1}}, max_depth=0)
    assert len(str(raised.value).splitlines()) == 3


def test_columns_left_out_are_those_of_the_first_records() -> None:
    """Of the first call; later ones drift from them."""
    decoder = Decoder()
    assert (decoder.columns, repr(decoder)) == ({}, "<Decoder without columns yet>")
    with pytest.raises(ValueError, match="decode some first, or declare columns"):
        assert decoder.schema
    first = pa.record_batch(decoder.decode(RECORDS).batch)
    assert first.schema.names == ["id", "usage_tokens", "at", "_residue"]
    assert decoder.schema == first.schema
    assert decoder.columns == Decoder(infer_schema(RECORDS).to_columns()).columns
    (row,) = rows(decoder, b'{"id":1,"new":2}')
    assert (row["id"], row["_residue"]) == (None, '{"id":1,"new":2}')


def test_infer_records_bounds_the_sample() -> None:
    """What comes after it drifts; unless nothing before it has a key."""
    assert rows(Decoder(infer_records=1), b'{"a":1}', b'{"b":1}')[1] == {"a": None, "_residue": '{"b":1}'}
    assert rows(Decoder(infer_records=1), b"{}", b'{"b":1}')[1] == {"b": 1, "_residue": None}
    assert [column.name for column in infer_schema([b'{"a":1}', b'{"b":1}'], infer_records=1).columns] == ["a"]


@pytest.mark.parametrize("data", [[], [None], b"", [b"[", b"7"], [b"{}"], [b'{"":1}']], ids=str)
def test_records_that_say_nothing_leave_the_columns_open(data: Any) -> None:
    """Nothing is lost of them either, and the next ones decide."""
    decoder = Decoder()
    decoded = decoder.decode(data)
    batch = pa.record_batch(decoded.batch)
    assert (batch.schema.names, decoder.columns) == (["_residue"], {})
    assert decoded.report.records == batch.num_rows + decoded.report.rejected + decoded.report.tombstones
    assert batch.to_pylist() == [{"_residue": '{"\\"\\"":1}' if data == [b'{"":1}'] else None}] * batch.num_rows
    assert rows(decoder, b'{"a":1}') == [{"a": 1, "_residue": None}]
    assert pa.record_batch(Decoder(residue=False).decode([b"{}"] * 3).batch).num_rows == 3


def test_inferred_columns_can_be_declared() -> None:
    """As a mapping, as an Arrow schema, as TOML; each column says why."""
    inferred = infer_schema(RECORDS)
    assert inferred.records == 2
    assert [(column.name, column.path, column.type) for column in inferred.columns] == [
        ("id", ["id"], "string"),
        ("usage_tokens", ["usage", "tokens"], "int64"),
        ("at", ["at"], "timestamp[us, UTC]"),
    ]
    assert inferred.columns[0].reason == "always strings"
    assert [(found.index, found.line) for found in inferred.rejections] == [(1, None)]
    assert [found.line for found in infer_schema(b"\n".join(RECORDS)).rejections] == [2]
    columns = tomllib.loads(inferred.to_toml())["decode"]["columns"]
    assert Decoder(columns).columns == Decoder(inferred.to_columns()).columns
    assert inferred.to_arrow() == pa.schema(
        [("id", pa.string()), ("usage_tokens", pa.int64()), ("at", pa.timestamp("us", "UTC"))]
    )
    assert infer_schema([]).to_arrow() == pa.schema([])
    assert tomllib.loads(infer_schema([]).to_toml()) == {"decode": {"columns": {}}}


def test_toml_takes_any_name_and_path() -> None:
    """Quoted where they must be."""
    inferred = infer_schema([b'{"a b":1,"c.d":{"e":1},"\\u00e9":1,"\\"":{"\\u007f":"x"}}'])
    columns = tomllib.loads(inferred.to_toml())["decode"]["columns"]
    assert Decoder(columns).columns == Decoder(inferred.to_columns()).columns


def test_mistakes_of_inference_are_those_of_a_decoder() -> None:
    """The same words."""
    with pytest.raises(ValueError, match="max_depth: 0 is out of range"):
        infer_schema([], max_depth=0)
    with pytest.raises(TypeError, match='infer_records: "all" is not an integer'):
        infer_schema([], infer_records="all")  # type: ignore[arg-type]
