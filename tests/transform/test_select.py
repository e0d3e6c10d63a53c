"""Columns kept, dropped, renamed and cast, against plain Python."""

from __future__ import annotations

import json
import re
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.transform.table import transformed

COLUMNS = {"a": "string", "b": "int64", "c": "json", "d": "float64"}
INTEGER = re.compile(r"-?(0|[1-9]\d*)", re.ASCII)


@settings(deadline=None)
@given(
    st.lists(st.sampled_from([*COLUMNS, "_residue"]), unique=True, min_size=1),
    st.sampled_from(["keep", "drop"]),
    st.sampled_from([*COLUMNS]),
)
def test_columns_stay_in_their_order_under_their_new_names(names: list[str], key: str, renamed: str) -> None:
    """What is kept is what is named; what is dropped is the rest."""
    left = [name for name in [*COLUMNS, "_residue"] if (name in names) == (key == "keep")]
    if not left:
        return
    step: dict[str, Any] = {"type": "select", key: names}
    if renamed in left:
        step["rename"] = {renamed: "new"}
    table = transformed(COLUMNS, [step], [{"a": "x", "b": 1, "c": [1], "d": 2.5, "e": 0}])
    values = {"a": "x", "b": 1, "c": "[1]", "d": 2.5, "_residue": '{"e":0}'}
    expected = [("new" if name == renamed else name, values[name]) for name in left]
    assert list(table.rows[0].items()) == expected


@settings(deadline=None)
@given(st.lists(st.one_of(st.integers().map(str), st.text("0123456789-+.e ", max_size=4)), max_size=10))
def test_text_is_an_integer_or_goes_to_the_residue(texts: list[str]) -> None:
    """Exactly what JSON calls an integer and int64 holds."""
    table = transformed(COLUMNS, [{"type": "select", "cast": {"a": "int64"}}], [{"a": text} for text in texts])
    for text, row in zip(texts, table.rows, strict=True):
        fits = INTEGER.fullmatch(text.strip(" ")) and -(2**63) <= int(text) < 2**63
        assert row["a"] == (int(text) if fits else None)
        assert row["_residue"] == (None if fits else json.dumps({"a": text}, separators=(",", ":")))
    drift = table.report.drift
    assert drift["type_mismatch"] + drift["out_of_range"] == sum(row["a"] is None for row in table.rows)


@settings(deadline=None)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=10))
def test_a_float_is_an_integer_only_if_it_is_one(floats: list[float]) -> None:
    """Nothing is rounded, and as text it reads back as the same number."""
    records = [{"d": value} for value in floats]
    for value, row in zip(floats, transformed(COLUMNS, [_cast("int64")], records).rows, strict=True):
        exact = value == int(value) and -(2**63) <= int(value) < 2**63
        assert row["d"] == (int(value) if exact else None)
        assert exact or json.loads(row["_residue"]) == {"d": value}
    for value, row in zip(floats, transformed(COLUMNS, [_cast("string")], records).rows, strict=True):
        assert float(row["d"]) == value


def _cast(kind: str) -> dict[str, Any]:
    return {"type": "select", "cast": {"d": kind}}
