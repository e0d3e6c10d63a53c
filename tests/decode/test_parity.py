"""The engine and the slow reference say the same of any value: row, residue and drift, or rejection and place.

The same examples every time. Each test says in the end that its examples were of every kind, so that none passes on
empty rows.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.decode.documents import COLUMNS, broken, document, only
from tests.decode.engine import decode, expected_outcomes
from tests.decode.reference import Column, Reference, Rejected, Row, Rules

if TYPE_CHECKING:
    from collections.abc import Sequence

TYPES = [
    *("bool", "int64", "float64", "string", "json", "date", "decimal(9, 2)", "decimal(38, 20)", "decimal(1, 1)"),
    *("timestamp[s, UTC]", "timestamp[ms, UTC]", "timestamp[us, UTC]", "timestamp[ns, UTC]"),
    *("binary[base64]", "binary[hex]"),
]
DRIFT = ["type_mismatch", "out_of_range", "unknown_key", "duplicate_key", "replaced_text"]
CODES = ["empty_value", "invalid_json", "invalid_utf8", "lone_surrogate", "not_an_object", "too_deep", "too_large"]

NEIGHBOUR = rb' {"n":1,"s":"a\u0062","raw":{"n":2},"u":{"v":{"hex":"00"}},"n":3,"z":[],"\u007A":0}'

some_rules = st.builds(
    Rules,
    invalid_text=st.sampled_from(["reject", "replace"]),
    max_depth=st.sampled_from([128, 128, 128, 3]),
    max_bytes=st.sampled_from([16 << 20] * 5 + [150]),
    residue=st.sampled_from([True, True, False]),
)
some_columns = st.sampled_from(["", "", "", "", "n", "raw_n", "hex"]).map(
    lambda required: [replace(column, required=column.name == required) for column in COLUMNS]
)
tries = settings(derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck))


def agree(columns: Sequence[Column], rules: Rules, batch: list[bytes]) -> list[Row | Rejected]:
    """Assert it of one batch; what the reference says of each value."""
    reference = Reference(columns, rules)
    expected = [reference.decode(value) for value in batch]
    decoded = decode(columns, rules, batch)
    assert decoded.outcomes() == expected_outcomes(expected)
    rows = [result for result in expected if isinstance(result, Row)]
    drift = sum((row.drift for row in rows), Counter[str]())
    assert {name: decoded.report.drift[name] for name in DRIFT} == {name: drift[name] for name in DRIFT}
    assert (decoded.report.rows, decoded.report.dead_letters) == (len(rows), len(batch) - len(rows))
    return expected


def kinds(result: Row | Rejected) -> set[str]:
    """The code; or the reasons of drift, and the columns that have a value."""
    if isinstance(result, Rejected):
        return {result.code}
    return set(+result.drift) | {name for name, value in result.values.items() if value is not None}


def test_documents_agree() -> None:
    """Valid JSON in any spelling, under any rules."""
    seen = set[str]()

    @settings(tries, max_examples=1000)
    @given(some_columns, some_rules, document)
    def documents_agree(columns: Sequence[Column], rules: Rules, value: bytes) -> None:
        seen.update(kinds(agree(columns, rules, [NEIGHBOUR, value, NEIGHBOUR])[1]))

    documents_agree()
    assert {*DRIFT, "lone_surrogate", "missing_required"} <= seen
    assert {column.name for column in COLUMNS} <= seen


def test_broken_documents_agree() -> None:
    """The same with bytes lost, put in, repeated or cut off: the first fault, where it is."""
    seen = set[str]()

    @settings(tries, max_examples=1000)
    @given(some_columns, some_rules, broken())
    def broken_documents_agree(columns: Sequence[Column], rules: Rules, value: bytes) -> None:
        seen.update(kinds(agree(columns, rules, [NEIGHBOUR, value, NEIGHBOUR])[1]))

    broken_documents_agree()
    assert {*DRIFT, *CODES} <= seen


@pytest.mark.parametrize("type_", TYPES)
def test_types_agree(type_: str) -> None:
    """Values that fit, nearly fit, or are of another kind."""
    seen = set[str]()

    @settings(tries, max_examples=120)
    @given(some_rules, st.booleans(), st.lists(only(type_), min_size=1, max_size=6))
    def types_agree(rules: Rules, required: bool, batch: list[bytes]) -> None:
        seen.update(*map(kinds, agree([Column("v", ("v",), type_, required)], rules, batch)))

    types_agree()
    assert {"v", "missing_required", "unknown_key", "duplicate_key"} <= seen
    assert "type_mismatch" in seen or type_ in ("string", "json")
