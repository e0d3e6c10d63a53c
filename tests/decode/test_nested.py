"""Lists, structs and maps of every scalar type: the core against a slow reference, in memory and in Parquet."""

from __future__ import annotations

import io
import json
import re
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock._native import Engine
from penstock.batch import Partition, RawBatch, RecordColumns
from penstock.config.column_type import parse_column_type
from tests.decode.nested_reference import Number, Object, decode, write

if TYPE_CHECKING:
    from collections.abc import Sequence

    from penstock._native import Report

P0 = Partition("cluster", "topic", "id", 0)
KEYS = ["a", "b", "c.d", 'q"', "", "é"]
NUMBERS = ["0", "-0", "1", "-7", "12.0", "1.5", "1e2", "99.99", "1e20", "1700000000000000"]
NUMBERS += ["9223372036854775807", "9223372036854775808", "9007199254740993"]
TEXTS = ["", "x", "true", "1", "1.50", "-2e1", "007", "2026-02-28", "2026-02-30", "00ff", 'é\n"\\']
TEXTS += ["2026-02-28T12:30:00Z", "2026-02-28T12:30:00.123456Z", "2026-02-28T25:00:00Z"]
SCALARS = [
    "bool",
    "int64",
    "float64",
    "string",
    "json",
    "date",
    "decimal(6, 2)",
    "timestamp[us, UTC]",
    "binary[hex]",
]

scalar_values = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from(NUMBERS).map(Number),
    st.sampled_from(TEXTS),
)
any_values = st.recursive(
    scalar_values,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(st.tuples(st.sampled_from(KEYS), inner), max_size=4).map(lambda pairs: Object(tuple(pairs)))
    ),
    max_leaves=6,
)
FITTING: dict[str, st.SearchStrategy[Any]] = {
    "bool": st.booleans(),
    "int64": st.sampled_from(["0", "-7", "9223372036854775807"]).map(Number),
    "float64": st.sampled_from(["1.5", "3", "1e2"]).map(Number),
    "string": st.sampled_from(TEXTS),
    "json": any_values,
    "date": st.just("2026-02-28"),
    "decimal": st.sampled_from(["1.5", "99.99", "1e2"]).map(Number),
    "timestamp": st.sampled_from(["2026-02-28T12:30:00.123456Z"]),
    "binary": st.just("00ff"),
}


def _nested(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        inner.map("list<{}>".format),
        inner.map("map<string, {}>".format),
        st.dictionaries(st.sampled_from(["a", "b", "c.d", "é"]), inner, min_size=1, max_size=3).map(
            lambda named: "struct<" + ", ".join(f"{json.dumps(name)}: {kind}" for name, kind in named.items()) + ">"
        ),
    )


kinds = st.recursive(st.sampled_from(SCALARS), _nested, max_leaves=5).map(parse_column_type)


def _values(kind: Any) -> st.SearchStrategy[Any]:
    """Values that mostly fit `kind`."""
    if kind.kind == "list":
        fitting: st.SearchStrategy[Any] = st.lists(_values(kind.inner[0]), max_size=3)
    elif kind.kind == "map":
        members = st.tuples(st.sampled_from(KEYS), _values(kind.inner[0]))
        fitting = st.lists(members, max_size=4).map(lambda pairs: Object(tuple(pairs)))
    elif kind.kind == "struct":
        declared = [st.tuples(st.just(n), _values(k)) for n, k in zip(kind.names, kind.inner, strict=True)]
        member = st.one_of(*declared, st.tuples(st.sampled_from(KEYS), scalar_values))
        fitting = st.lists(member, max_size=5).map(lambda pairs: Object(tuple(pairs)))
    else:
        fitting = FITTING[kind.kind]
    return st.integers(0, 19).flatmap(lambda luck: any_values if luck == 0 else fitting)


def open_engine(columns: Sequence[dict[str, Any]], *, coerce: bool = False, batches: bool = True) -> Engine:
    """An engine in which partition 0 is open; it hands rows back, or writes them."""
    config = {"columns": columns, "decode": {"coerce": coerce}, "kafka_columns": False, "batches": batches}
    made = Engine(json.dumps(config), 1)
    made.open("topic", 0, 1, 0, None)
    return made


def engine(kind: str, *, coerce: bool = False, batches: bool = True) -> Engine:
    """Of an int64 `k` that is required, and `v` of `kind`."""
    columns: list[dict[str, Any]] = [
        {"name": "k", "path": ["k"], "type": "int64", "required": True},
        {"name": "v", "path": ["v"], "type": kind},
    ]
    return open_engine(columns, coerce=coerce, batches=batches)


def ingest(made: Engine, values: Sequence[bytes]) -> tuple[Report, Any]:
    """The report, and the rows if they are handed back."""
    count = len(values)
    records = RecordColumns(values, [None] * count, [()] * count, range(count), [-1] * count)
    batch = RawBatch(P0, 1, 0, count, 0, records)
    ingested = made.ingest([batch])
    rows = pa.record_batch(ingested.batches[0]) if ingested.batches else None
    return ingested.reports[0], rows


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_every_nested_type_is_decoded_as_by_the_reference(data: st.DataObject) -> None:
    """Values, residue and counts; rejected records between them leave nothing behind."""
    kind = data.draw(kinds)
    coerce = data.draw(st.booleans())
    values = data.draw(st.lists(_values(kind), max_size=5))
    texts, expected, residues = [], [], []
    counts: dict[str, int] = {}
    for value in values:
        rejected = data.draw(st.sampled_from(["", '{"v":%s}', '{"k":1,"v":%s']))
        if rejected:
            texts.append(rejected % write(value))
        texts.append(f'{{"k":1,"v":{write(value)}}}')
        found, kept = decode("v", kind, value, coerce=coerce)
        expected.append(found)
        residues.append(kept.residue)
        for reason, count in kept.counts.items():
            counts[reason] = counts.get(reason, 0) + count
    report, rows = ingest(engine(str(kind), coerce=coerce), [text.encode() for text in texts])
    rows.validate(full=True)
    assert rows["v"].to_pylist() == expected
    assert [_members(text) for text in rows["_residue"].to_pylist()] == residues
    assert {reason: count for reason, count in report.drift.items() if count} == {
        reason: count for reason, count in counts.items() if count
    }
    assert report.dead_letters == len(texts) - len(values)


def _members(residue: str | None) -> dict[str, str]:
    """Path -> text of the value."""

    def pairs(members: list[tuple[str, Any]]) -> Object:
        return Object(tuple(members))

    if residue is None:
        return {}
    found = json.loads(residue, object_pairs_hook=pairs, parse_int=Number, parse_float=Number)
    return {path: write(value) for path, value in found.members}


KINDS = "struct<a: list<int64>, b: map<string, struct<c: {0}, d: list<{0}>>>, e: {0}>"
FITS = {
    "bool": "true",
    "int64": "7",
    "float64": "1.5",
    "string": '"x"',
    "json": '{"x":[1]}',
    "date": '"2026-02-28"',
    "decimal(6, 2)": "99.99",
    "timestamp[us, UTC]": '"2026-02-28T12:30:00Z"',
    "binary[hex]": '"00ff"',
}


@pytest.mark.parametrize("scalar", SCALARS)
def test_nested_columns_are_read_back_from_parquet(scalar: str) -> None:
    """By pyarrow, with the same types as in memory, over several row groups and enough rows for dictionaries."""
    kind, value = KINDS.format(scalar), FITS[scalar]
    whole = f'{{"a":[1,null],"b":{{"k":{{"c":{value},"d":[{value},null]}},"l":null}},"e":{value}}}'
    texts = [whole, "null", "{}", '{"a":[],"b":{}}', '{"b":{"k":{}}}'] * 100
    values = [f'{{"k":{number},"v":{text}}}'.encode() for number, text in enumerate(texts)]
    _, rows = ingest(engine(kind), values)
    made = engine(kind, batches=False)
    parts = []
    for start in range(0, len(values), 125):
        ingest(made, values[start : start + 125])
        made.flush("main", "topic", 0, 1)
        parts += made.take("main", "topic", 0, 1)
    parts += made.seal("main", "topic", 0, 1, {})
    file = pq.ParquetFile(io.BytesIO(b"".join(map(bytes, parts))))
    assert file.metadata.num_row_groups == 4
    read = file.read()
    assert read["v"].to_pylist() == rows["v"].to_pylist()
    columns = {column["name"]: column["type"] for column in json.loads(made.schema_json("main"))}
    # Of Parquet's maps, its own included, pyarrow names the entries after their column.
    assert re.sub(r" \('\w+'\)", "", str(read.schema.field("v").type)) == columns["v"]
    assert str(rows.schema.field("v").type) == columns["v"]


def test_a_required_nested_column_rejects_what_does_not_fit() -> None:
    """Absent, null and misfits alike."""
    made = open_engine([{"name": "v", "path": ["v"], "type": "list<int64>", "required": True}])
    report, rows = ingest(made, [b'{"v":[1]}', b"{}", b'{"v":null}', b'{"v":["x"]}', b'{"v":[null]}'])
    assert rows["v"].to_pylist() == [[1], [None]]
    assert report.dead_letters == 3


def test_very_many_repeated_keys_are_read() -> None:
    """Megabytes of one key, in a map and as unknown keys of a struct."""
    text = "{" + ",".join(['"x":1'] * 300_000) + "}"
    for kind, found in (("map<string, int64>", [("x", 1)]), ("struct<a: int64>", {"a": None})):
        report, rows = ingest(engine(kind), [f'{{"k":1,"v":{text}}}'.encode()])
        assert rows["v"].to_pylist() == [found]
        assert report.drift["duplicate_key"] == 299_999
