"""What the binding promises beside decoding: buffers, capsules, and errors that say what is wrong."""

from __future__ import annotations

import gc
import io
import json
import random
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from penstock._native import Engine, NativeError, TomlError, build_info, parse_toml
from penstock.batch import Partition, RawBatch, RecordColumns

PARTITION = Partition("cluster", "events", "id", 0)
COLUMNS = [{"name": "s", "path": ["s"], "type": "string"}, {"name": "n", "path": ["n"], "type": "int64"}]


def engine(**config: Any) -> Engine:
    made = Engine(json.dumps({"columns": COLUMNS} | config), 1)
    made.open("events", 0, 1, 0, None)
    return made


def batch(*values: bytes | None) -> RawBatch:
    nones: list[None] = [None] * len(values)
    offsets = range(len(values))
    records = RecordColumns(values, nones, [()] * len(values), offsets, offsets)
    return RawBatch(PARTITION, 1, 0, len(values), 0, records)


def changed(good: RawBatch, **columns: Any) -> RawBatch:
    """With other columns, or other attributes of its own."""
    own = {name: columns.pop(name) for name in ("partition", "epoch") if name in columns}
    assert isinstance(good.records, RecordColumns)
    return replace(good, records=replace(good.records, **columns), **own)


def chunks(made: Engine, rows: int = 1000) -> list[Any]:
    """All buffers of a file with some rows."""
    made.ingest([batch(*(b'{"s":"%d","n":%d}' % (n, n) for n in range(rows)))])
    made.flush("main", "events", 0, 1)
    taken = made.take("main", "events", 0, 1)
    assert taken
    return taken + made.seal("main", "events", 0, 1, {"penstock.test": "yes"})


def test_chunks_are_read_only_buffers_and_together_a_file() -> None:
    """Nobody can write through them."""
    found = chunks(engine())
    views = [memoryview(chunk) for chunk in found]
    assert all(view.readonly and view.format == "B" and view.contiguous for view in views)
    assert [view.nbytes for view in views] == [len(chunk) for chunk in found]
    with pytest.raises(TypeError):
        views[0][0] = 0
    with pytest.raises(TypeError, match="read-write"):
        io.BytesIO(b"x").readinto(found[0])
    table = pq.read_table(io.BytesIO(b"".join(found)))
    assert table.column("n").to_pylist() == list(range(1000))
    assert pq.read_metadata(io.BytesIO(b"".join(found))).metadata[b"penstock.test"] == b"yes"


def test_a_chunk_is_lent_without_a_copy_and_outlives_its_engine() -> None:
    """Every view of it is of the same memory, which lives as long as one of them."""
    made = engine()
    found = chunks(made)[0]
    addresses = {pa.py_buffer(found).address, pa.py_buffer(memoryview(found)).address, pa.py_buffer(found).address}
    assert len(addresses) == 1
    view = memoryview(found)
    before = bytes(view)
    del made, found
    gc.collect()
    assert before[:4] == b"PAR1"
    assert bytes(view) == before


def test_taken_bytes_leave_the_engines_memory() -> None:
    """They are Python's then."""
    made = engine()
    made.ingest([batch(*(b'{"s":"%s"}' % random.randbytes(50).hex().encode() for _ in range(1000)))])
    made.flush("main", "events", 0, 1)
    (open_file,) = made.open_files()
    assert (open_file.table, open_file.topic, open_file.partition, open_file.epoch) == ("main", "events", 0, 1)
    assert open_file.memory_bytes > 50_000
    kept = made.memory() - open_file.memory_bytes
    assert 0 < kept < 1_000_000, "of what compresses, for the next file"
    assert sum(map(len, made.take("main", "events", 0, 1))) > 50_000
    assert made.memory() == kept
    assert made.open_files()[0].file_bytes >= open_file.file_bytes
    made.discard("events", 0, 1)
    assert (made.memory(), made.open_files()) == (kept, [])


def test_batches_are_arrow_by_capsule() -> None:
    """Array and schema; exported twice they are the same memory, which lives on without the engine."""
    made = engine(batches=True, kafka_columns=False)
    (handed,) = made.ingest([batch(b'{"s":"a","n":1,"z":2}', b"[]", None, b'{"n":2}')]).batches
    schema = pa.schema(handed)
    assert schema == pa.schema([("s", pa.string()), ("n", pa.int64()), ("_residue", pa.string())])
    first, second = pa.record_batch(handed), pa.record_batch(handed)
    assert first.schema == schema
    for one, other in zip(first.columns, second.columns, strict=True):
        assert [b and b.address for b in one.buffers()] == [b and b.address for b in other.buffers()]
    del made, handed, second
    gc.collect()
    assert first.to_pydict() == {"s": ["a", None], "n": [1, 2], "_residue": ['{"z":2}', None]}


def test_a_batch_of_no_record_has_no_row() -> None:
    """Empty batches, and batches of tombstones and rejections only, keep the schema."""
    made = engine(batches=True)
    for values in ((), (None, b"[]")):
        (handed,) = made.ingest([batch(*values)]).batches
        assert pa.record_batch(handed).num_rows == 0
        assert pa.schema(handed).names[:3] == ["s", "n", "_residue"]


@pytest.mark.parametrize(
    ("config", "key"),
    [
        ({"columns": []}, "columns"),
        ({"columns": [{"name": "a", "path": ["a"], "type": "int"}]}, "columns.a.type"),
        ({"columns": [{"name": "a", "path": [], "type": "int64"}]}, "columns.a.path"),
        ({"columns": [{"name": "a", "path": ["a"]}]}, "type"),
        ({"columns": [{"name": "a", "path": [1], "type": "int64"}]}, "columns[0].path[0]"),
        ({"columns": [COLUMNS[0], COLUMNS[0]]}, "columns.s"),
        ({"columns": [COLUMNS[0], COLUMNS[1] | {"path": ["s", "n"]}]}, "columns.s.path"),
        ({"columns": [COLUMNS[0] | {"name": "kafka_topic"}]}, "kafka_topic"),
        ({"colums": []}, "colums"),
        ({"decode": {"max_depth": 0}}, "decode.max_depth"),
        ({"decode": {"max_depth": -1}}, "decode.max_depth"),
        ({"decode": {"max_bytes": 1 << 40}}, "decode.max_bytes"),
        ({"decode": {"invalid_text": "ignore"}}, "decode.invalid_text"),
        ({"decode": {"depth": 1}}, "decode.depth"),
        ({"dead_letter": {"raw": "hide"}}, "dead_letter.raw"),
        ({"encode": {"zstd_level": 99}}, "zstd_level"),
        ({"batches": "yes"}, "batches"),
    ],
)
def test_a_bad_configuration_names_its_key(config: dict[str, Any], key: str) -> None:
    """As `NativeError`."""
    with pytest.raises(NativeError) as raised:
        Engine(json.dumps({"columns": COLUMNS} | config), 1)
    assert key in str(raised.value)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"columns": NaN}'])
def test_a_configuration_that_is_no_object_is_an_error(text: str) -> None:
    """No panic."""
    with pytest.raises(NativeError, match="configuration"):
        Engine(text, 1)


@pytest.mark.parametrize(
    ("column", "wrong"),
    [
        ("partition", 3),
        ("partition", replace),
        ("epoch", "1"),
        ("epoch", 1 << 70),
        ("values", None),
        ("values", 7),
        ("values", ["text"]),
        ("values", [1]),
        ("values", [bytearray(b"{}"), object()]),
        ("offsets", None),
        ("offsets", [1.5]),
        ("offsets", [1 << 70]),
        ("offsets", "1"),
        ("timestamps", [None]),
    ],
)
def test_a_column_of_another_type_is_an_ordinary_error(column: str, wrong: Any) -> None:
    """No panic, and the engine goes on."""
    made = engine()
    bad = changed(batch(b"{}"), **{column: wrong})
    with pytest.raises((TypeError, ValueError, AttributeError, OverflowError)):
        made.ingest([bad])
    assert made.ingest([batch(b"{}")]).reports[0].rows == 1


def test_something_that_is_no_batch_is_an_ordinary_error() -> None:
    """What attribute it lacks."""
    with pytest.raises(AttributeError, match="partition"):
        engine().ingest([object()])  # type: ignore[list-item]
    with pytest.raises(TypeError):
        engine().ingest(None)  # type: ignore[arg-type]


@dataclass
class _Other:
    """Any object with the right attributes will do: what matters are the names."""

    values: Any
    keys: Any
    headers: Any
    offsets: Any
    timestamps: Any


def test_columns_are_any_sequence() -> None:
    """Lists, tuples, ranges."""
    other: Any = _Other((b"[]", b"{}"), (b"k", None), [[("h", b"v")], ()], range(2), [-1, 0])
    (report,) = engine().ingest([replace(batch(), records=other)]).reports
    assert (report.rows, report.dead_letters) == (1, 1)


@pytest.mark.parametrize(
    ("columns", "text"),
    [
        ({"offsets": [1]}, "2 values but 1 offsets"),
        ({"timestamps": [1, 2, 3]}, "2 values but 3 timestamps"),
        ({"offsets": [2, 2]}, "do not ascend"),
        ({"keys": []}, "keys and headers"),
        ({"keys": [1, 2]}, "keys and headers"),
        ({"headers": [[("h",)], ()]}, "keys and headers"),
        ({"headers": [[(1, b"")], ()]}, "keys and headers"),
    ],
)
def test_columns_that_do_not_fit_together_are_told(columns: dict[str, Any], text: str) -> None:
    """With the partition, and without what a record holds."""
    with pytest.raises(NativeError, match=text) as raised:
        engine().ingest([changed(batch(b"[secret]", b"{}"), **columns)])
    assert "events-0" in str(raised.value)
    assert "secret" not in str(raised.value)


def test_unknown_tables_and_assignments_are_told() -> None:
    """By every call that names one."""
    made = engine()
    for call in (made.flush, made.take):
        with pytest.raises(NativeError, match="no table"):
            call("other", "events", 0, 1)
        with pytest.raises(NativeError, match="events-7"):
            call("main", "events", 7, 1)
    with pytest.raises(NativeError, match="events-7"):
        made.seal("main", "events", 7, 1, {})
    with pytest.raises(NativeError, match="no table"):
        made.schema_json("other")
    with pytest.raises(NativeError, match="events-0, epoch 2 is not open"):
        made.ingest([replace(batch(b"{}"), epoch=2)])
    with pytest.raises(NativeError, match="open already"):
        made.open("events", 0, 1, 0, None)
    made.discard("events", 7, 1)
    made.discard("events", 0, 1)
    with pytest.raises(NativeError, match="greater epoch"):
        made.open("events", 0, 1, 0, None)


def test_values_are_frozen_and_printable() -> None:
    """What comes back can't be changed, and says what it is without what a record holds."""
    ingested = engine(batches=True).ingest([batch(b"{secret}", b"{}")])
    (report,), ((rejection,),) = ingested.reports, ingested.rejections
    assert repr(report) == "<Report 2 records: 1 rows, 1 dead letters, 0 filtered, 0 tombstones>"
    assert repr(rejection).startswith("<OffsetRejection offset 0: invalid_json at byte 1: ")
    for value, attribute in ((report, "rows"), (rejection, "code"), (ingested, "reports")):
        with pytest.raises(AttributeError):
            setattr(value, attribute, None)
    assert "secret" not in repr(rejection) + repr(ingested)


def test_toml_errors_have_a_place() -> None:
    """Line and column, from 1."""
    with pytest.raises(TomlError) as raised:
        parse_toml("a = 1\nb = \n")
    assert raised.value.args[1:] == (2, 5)
    assert isinstance(raised.value, ValueError)


def test_build_is_known() -> None:
    """For bug reports."""
    assert {"version", "profile", "target", "arrow", "parquet"} == set(build_info())
