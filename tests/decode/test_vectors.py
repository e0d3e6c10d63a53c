"""Records written by hand, each with what must become of it: `vectors/rejected.toml` and `vectors/accepted.toml`."""

from __future__ import annotations

from collections import Counter
from itertools import chain

import pytest

from tests.decode.engine import decode, exact
from tests.decode.reference import Column, Reference, Rejected, Row, Rules
from tests.decode.vector_file import Vector, load, typed

REJECTED_COLUMNS, REJECTED = load("rejected.toml")
ACCEPTED_COLUMNS, ACCEPTED = load("accepted.toml")
BEFORE = b'{"id":"before","n":1,"u":{"t":2},"z":[3]}'
AFTER = b'{"id":"after"}'
CODES = {
    *("empty_value", "invalid_json", "invalid_utf8", "lone_surrogate", "not_an_object", "too_deep", "too_large"),
    "missing_required",
}


def name(vector: Vector) -> str:
    return vector.name.replace(" ", "-")


@pytest.mark.parametrize("vector", REJECTED, ids=name)
def test_bad_record_is_rejected_where_it_breaks_and_harms_no_neighbour(vector: Vector) -> None:
    """The reference says the same. The text for people is short and says nothing of what the record holds."""
    decoded = decode(REJECTED_COLUMNS, vector.rules, [BEFORE, vector.value, AFTER])
    assert decoded.rows == {
        0: ({"id": "before", "n": 1, "t": 2}, {"z": "[3]"}),
        2: ({"id": "after", "n": None, "t": None}, {}),
    }
    expected = Rejected(vector.says["code"], vector.says["at"])
    assert list(decoded.rejections) == [1]
    assert decoded.outcomes()[1] == expected
    assert Reference(REJECTED_COLUMNS, vector.rules).decode(vector.value) == expected
    assert 5 < len(decoded.rejections[1].message) < 100
    assert +Counter(decoded.report.drift) == {"unknown_key": 1}


def test_all_bad_records_in_one_batch() -> None:
    """Each among good ones, tombstones too: every record is accounted for, in order."""
    bad = [vector.value for vector in REJECTED]
    batch = [*chain.from_iterable((BEFORE, value, None, AFTER) for value in bad)]
    decoded = decode(REJECTED_COLUMNS, REJECTED[0].rules, batch)
    assert [values["id"] for values, _ in decoded.rows.values()] == ["before", "after"] * len(bad)
    assert list(decoded.rejections) == list(range(1, len(batch), 4))
    assert [(found.code, found.byte_position) for found in decoded.rejections.values()] == [
        (vector.says["code"], vector.says["at"]) for vector in REJECTED
    ]
    report = decoded.report
    counts = (report.records, report.rows, report.dead_letters, report.filtered, report.tombstones)
    assert counts == (4 * len(bad), 2 * len(bad), len(bad), 0, len(bad))
    assert report.bytes == sum(len(value) for value in batch if value is not None)


@pytest.mark.parametrize("vector", ACCEPTED, ids=name)
def test_odd_record_is_a_row(vector: Vector) -> None:
    """With its residue and its drift, by the engine and by the reference."""
    row = typed(ACCEPTED_COLUMNS, vector.says["row"])
    residue, drift = vector.says.get("residue", {}), vector.says.get("drift", {})
    decoded = decode(ACCEPTED_COLUMNS, vector.rules, [vector.value])
    assert decoded.outcomes() == {0: (exact(row), residue)}
    assert +Counter(decoded.report.drift) == drift
    reference = Reference(ACCEPTED_COLUMNS, vector.rules).decode(vector.value)
    assert isinstance(reference, Row)
    assert (exact(reference.values), reference.residue, +reference.drift) == (exact(row), residue, drift)


def test_vectors_are_many_and_of_every_kind() -> None:
    """No two of one name or value, every code, every reason of drift, every column."""
    for some in (REJECTED, ACCEPTED):
        assert len({vector.name for vector in some}) == len(some)
        assert len({vector.value for vector in some}) == len(some)
    assert {vector.says["code"] for vector in REJECTED} == CODES
    assert {reason for vector in ACCEPTED for reason in vector.says.get("drift", {})} == {
        *("type_mismatch", "out_of_range", "unknown_key", "duplicate_key", "replaced_text"),
    }
    assert {column for vector in ACCEPTED for column in vector.says["row"]} == {c.name for c in ACCEPTED_COLUMNS}
    assert (len(REJECTED) >= 70, len(ACCEPTED) >= 40) == (True, True)


@pytest.mark.parametrize("opening", [b"[", b'{"a":'], ids=["arrays", "objects"])
def test_any_depth_is_refused_without_harm(opening: bytes) -> None:
    """A million open containers end at the limit, whatever the limit is."""
    columns = [Column("n", ("n",), "int64"), Column("deep", ("a",) * 64, "int64")]
    for max_depth in (1, 128, 10_000):
        value = b'{"z":' + opening * 1_000_000
        decoded = decode(columns, Rules(max_depth=max_depth), [b'{"n":1}', value, b'{"n":2}'])
        position = 5 + (max_depth - 1) * len(opening)
        assert decoded.outcomes()[1] == Rejected("too_deep", position)
        assert [values["n"] for values, _ in decoded.rows.values()] == [1, 2]
