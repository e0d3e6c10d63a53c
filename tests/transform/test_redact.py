"""Redaction against a plain Python definition: what was planted is gone, everything else is as it was."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock._native import NativeError
from tests.transform.table import engine, transformed

if TYPE_CHECKING:
    from collections.abc import Callable

COLUMNS = {"text": "string", "data": "json", "n": "int64"}
PLANTED = {
    "ann.lee@example.com": "[email]",
    "4111 1111 1111 1111": "[card]",
    "378282246310005": "[card]",
    "+49 30 123456": "[phone]",
    "sk-proj-abcdefghij0123456789": "[secret]",
    "AKIAIOSFODNN7EXAMPLE": "[secret]",
    "-----BEGIN PRIVATE KEY-----\nMIIE/x\n-----END PRIVATE KEY-----": "[secret]",
}
RESEMBLING = (
    "4111 1111 1111 1112",
    "@ann",
    "ann@localhost",
    "2026-01-31T00:00:00Z",
    "task-abcdefghijklmnopqrstu",
    "-0.5",
)

pieces = st.one_of(st.sampled_from([*PLANTED, *RESEMBLING]), st.text('aé😀 "\\\n/{', max_size=4))
texts = st.lists(pieces, max_size=4).map(", ".join)
values = st.recursive(
    st.one_of(texts, st.none(), st.booleans(), st.integers(-99, 99)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text("abc", max_size=2), inner, max_size=3)
    ),
    max_leaves=6,
)
KEY = b"0123456789abcdef"


def _escaped_whole(value: object) -> str:
    """JSON with every character of every string escaped."""
    match value:
        case str():
            units = value.encode("utf-16-be")
            return '"' + "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2)) + '"'
        case dict():
            return (
                "{" + ",".join(f"{_escaped_whole(key)}:{_escaped_whole(inner)}" for key, inner in value.items()) + "}"
            )
        case list():
            return "[" + ",".join(map(_escaped_whole, value)) + "]"
    return json.dumps(value)


def _masked(value: Any) -> Any:
    match value:
        case str():
            for planted, mark in PLANTED.items():
                value = value.replace(planted, mark)
            return value
        case dict():
            return {key: _masked(inner) for key, inner in value.items()}
        case list():
            return [_masked(inner) for inner in value]
    return value


@settings(max_examples=200, deadline=None)
@given(texts, values, values, st.sampled_from([json.dumps, _escaped_whole]))
def test_what_was_planted_is_gone_and_the_rest_stays(
    text: str, data: object, unknown: object, write: Callable[[object], str]
) -> None:
    """In texts, JSON and the residue, in a column of another type, however it is escaped."""
    record = {"text": text, "data": data, "n": [unknown], "other": unknown}
    (row,) = transformed(COLUMNS, [{"type": "redact"}], [write(record)]).rows
    assert row["text"] == _masked(text)
    assert (None if row["data"] is None else json.loads(row["data"])) == _masked(data)
    assert json.loads(row["_residue"]) == _masked({"n": [unknown], "other": unknown})


@settings(deadline=None)
@given(values, st.integers(1, 3))
def test_json_in_json_is_looked_into(value: object, depth: int) -> None:
    """As deep as tools nest their arguments; what is inside is still JSON afterwards."""
    inner, expected = value, _masked(value)
    for _ in range(depth):
        inner, expected = json.dumps({"k": inner}), json.dumps({"k": expected})
    (row,) = transformed(COLUMNS, [{"type": "redact"}], [{"text": inner}]).rows
    found: Any = row["text"]
    for _ in range(depth):
        found = json.loads(found)["k"]
    assert found == _masked(value)


def test_a_hash_is_hmac_sha256_of_what_was_there() -> None:
    """Anyone with the key can compute it again: the first 16 bytes, in hexadecimal digits."""
    step = {"type": "redact", "mode": "hash", "key": KEY.hex()}
    expected = hmac.new(KEY, b"ann@example.com", hashlib.sha256).hexdigest()[:32]
    table = transformed(COLUMNS, [step], [{"text": "to ann@example.com", "data": "ann@example.com"}])
    assert table.rows[0]["text"] == f"to {expected}"
    assert table.rows[0]["data"] == f'"{expected}"'
    whole = {**step, "whole": True, "columns": ["text"]}
    assert transformed(COLUMNS, [whole], [{"text": "ann@example.com"}]).rows[0]["text"] == expected


def test_what_was_taken_out_is_counted_by_pattern() -> None:
    """Never by text."""
    own = {"name": "ticket", "regex": "T-[0-9]+"}
    step = {"type": "redact", "patterns": ["email", own]}
    table = transformed(COLUMNS, [step], [{"text": "a@b.co T-1 T-2", "x": "c@d.org"}, {"text": "4111111111111111"}])
    assert table.rows[0] == {
        "text": "[email] [ticket] [ticket]",
        "data": None,
        "n": None,
        "_residue": '{"x":"[email]"}',
    }
    assert table.rows[1]["text"] == "4111111111111111"
    assert table.report.redacted == {"email": 2, "ticket": 2}


def test_a_key_is_never_shown() -> None:
    """Not in the message about it either."""
    with pytest.raises(NativeError, match=r"transform\.0\.mode: the key is too short") as caught:
        engine(COLUMNS, [{"type": "redact", "mode": "hash", "key": "c0ffee"}])
    assert "c0ffee" not in str(caught.value)
