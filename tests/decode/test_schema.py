"""Columns inferred from samples: what every sample promises, and what becomes of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock._native import infer_schema
from penstock.commit import table
from penstock.daemon.columns import read_columns
from penstock.decode import schema
from penstock.demo.events import events
from penstock.errors import ConfigError
from penstock.sink.local import LocalStorage
from tests.config.pipeline_text import load_text, pipeline_text
from tests.decode.test_nested import ingest, open_engine

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from penstock._native import Inferred
    from penstock.config import Config

KEYS = ["a", "b", "A", "a_b", "c.d", "", "é", "_residue", "kafka_offset"]
leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**40), 10**40) | st.integers(-5, 5),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["", "x", "2026-01-31T00:00:00Z", "2026-01-31T00:00:00.123456789+02:00", "2026-01-31"]),
)
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=8,
)
records = st.dictionaries(st.sampled_from(KEYS), values, max_size=5)


def infer(sample: Sequence[bytes]) -> Inferred:
    return infer_schema(sample, "{}")


def columns_json(inferred: Inferred) -> list[dict[str, Any]]:
    return [{"name": column.name, "path": column.path, "type": column.type} for column in inferred.columns]


@settings(max_examples=300, deadline=None)
@given(st.lists(records, max_size=8))
def test_every_value_of_the_sample_fits_the_columns_inferred_from_it(sample: list[dict[str, Any]]) -> None:
    """Nothing of the sample drifts, apart from keys without a name; the same sample gives the same columns."""
    texts = [json.dumps(record).encode() for record in sample]
    inferred = infer(texts)
    assert inferred.records == len(texts)
    assert columns_json(infer(texts)) == columns_json(inferred)
    if not inferred.columns:
        return
    names = [column.name.lower() for column in inferred.columns]
    assert len(set(names)) == len(names)
    assert not any(name == "_residue" or name.startswith("kafka_") for name in names)
    report, _ = ingest(open_engine(columns_json(inferred)), texts)
    assert report.rows == len(texts)
    assert report.drift["type_mismatch"] == report.drift["out_of_range"] == 0
    if not any("" in _keys(record) for record in sample):
        assert report.drift["unknown_key"] == 0


def _keys(value: Any) -> set[str]:
    """Every key in it, at any depth."""
    if isinstance(value, dict):
        return set(value).union(*map(_keys, value.values()))
    return set().union(*map(_keys, value)) if isinstance(value, list) else set()


def test_the_demos_events_get_the_columns_one_would_declare() -> None:
    """Drifting and malformed ones among them do not matter to the others' columns, beyond what they drift in."""
    sample = [event.value for event in events("340", 2000, 1, malformed=0.05) if event.value is not None]
    inferred = infer(sample)
    found = {column.name: column.type for column in inferred.columns}
    assert found["event_id"] == "string"
    assert found["timestamp"] == "timestamp[us, UTC]"
    assert found["usage_total_tokens"] == "int64"
    assert found["tool_ok"] == "bool"
    assert inferred.records < len(sample)
    assert inferred.records + len(inferred.rejections) == len(sample)


def test_facts_say_why() -> None:
    """Kinds with their counts, and a reason in words."""
    (column,) = infer([b'{"a":1}', b'{"a":"x"}', b"{}"]).columns
    assert (column.present, column.kinds) == (2, {"integer": 1, "string": 1})
    assert column.reason == "values of several kinds: number, string"


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """A pipeline that declares no columns."""
    return load_text(tmp_path, pipeline_text({"decode.columns": None, "sink": f'path = "{tmp_path}/events"'}))


def test_inferred_columns_are_as_if_declared(config: Config) -> None:
    """Through the table's file and back, they decide the plan."""
    columns = schema.infer(config, [b'{"id":"a","usage":{"in":[1]}}'])
    kept = json.loads(json.dumps(schema.to_records(columns)))
    assert schema.from_records("here", kept) == columns
    resolved = schema.resolve(config, schema.from_records("here", kept))
    assert [(name, column.path, str(column.type)) for name, column in resolved.decode.columns.items()] == [
        ("id", ("id",), "string"),
        ("usage_in", ("usage", "in"), "list<int64>"),
    ]
    assert resolved.plan_digest("[]") != config.plan_digest("[]")
    assert config.decode.columns == {}


@pytest.mark.parametrize(
    ("sample", "words"),
    [
        ([b"{", b"["], r"of the first 2 records 0 can be decoded; the first is invalid_json .*\[decode.columns\]"),
        ([b"{}"], "of the first 1 records 1 can be decoded; none has a key"),
    ],
)
def test_a_sample_that_says_nothing_is_an_error(config: Config, sample: list[bytes], words: str) -> None:
    """78, with what to do."""
    with pytest.raises(ConfigError, match=words):
        schema.infer(config, sample)


def test_the_first_columns_put_are_the_tables(config: Config) -> None:
    """A second worker's are dropped, and both read the same."""
    storage = LocalStorage(config.sink.path)
    storage.make()
    assert read_columns(config, storage) is None
    for kind in ("int64", "string"):
        table.put_inferred_columns(storage, [{"name": "a", "path": ["a"], "type": kind}])
    resolved = read_columns(config, storage)
    assert resolved is not None
    assert str(resolved.decode.columns["a"].type) == "int64"


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b'{"version": 1}',
        b'{"version": 1, "columns": [{}]}',
        b'{"version": 1, "columns": [3]}',
        b'{"version": 1, "columns": [{"name": "a", "path": ["a"], "type": "lst"}]}',
    ],
)
def test_damaged_columns_are_named(config: Config, content: bytes) -> None:
    """And never inferred anew."""
    storage = LocalStorage(config.sink.path)
    storage.make()
    storage.create_if_absent(table.COLUMNS, content)
    with pytest.raises(ConfigError, match=r"events/_penstock/columns\.json.* damaged"):
        read_columns(config, storage)


def test_a_table_with_declared_columns_is_not_inferred(config: Config) -> None:
    """Where its columns come from is written nowhere."""
    storage = LocalStorage(config.sink.path)
    storage.make()
    table.check_schema(storage, [{"name": "a", "type": "string", "nullable": True}], fix=True)
    with pytest.raises(ConfigError, match="columns were declared, so they can't be inferred"):
        read_columns(config, storage)
