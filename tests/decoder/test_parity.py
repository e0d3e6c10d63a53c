"""The public decoder and the slow reference say the same of any record, one by one and line by line."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from penstock import Decoder
from tests.decode import documents
from tests.decode.documents import broken, document
from tests.decode.engine import DEEPEST, exact, expected_outcomes, plain_rows
from tests.decode.reading import read
from tests.decode.reference import Reference, Rejected, Row, Rules

if TYPE_CHECKING:
    from penstock import Decoded

DRIFT = ["type_mismatch", "out_of_range", "unknown_key", "duplicate_key", "replaced_text"]
TRIES = settings(derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck))
COLUMNS = [column for column in documents.COLUMNS if "" not in column.path]
"""No option is written with an empty key."""

DECLARED = {column.name: {"path": column.path, "type": column.type} for column in COLUMNS}

some_rules = st.builds(Rules, invalid_text=st.sampled_from(["reject", "replace"]), max_depth=st.sampled_from([128, 3]))
records = st.lists(st.one_of(document, broken(), st.sampled_from([b"[]", b"7", b"{}"])), max_size=4)
line_ends = st.sampled_from([b"\n", b"\r\n", b"\n\n", b"\n\r\n"])


def outcomes(decoded: Decoded) -> dict[int, Any]:
    """What became of each record, as `expected_outcomes` has it."""
    found: dict[int, Any] = {bad.index: Rejected(bad.code, bad.byte_position) for bad in decoded.rejections}
    arrow = pa.record_batch(decoded.batch)
    arrow.validate(full=True)
    indices = (index for index in range(decoded.report.records) if index not in found)
    rows = dict(zip(indices, plain_rows(arrow), strict=True))
    for index, row in rows.items():
        residue = row.pop("_residue")
        members = read(residue, DEEPEST, replace=False)[0].members if residue else ()
        found[index] = (exact(row), {path: value.text for path, value in members})
    return found


def test_records_and_lines_agree_with_the_reference() -> None:
    """Rows, residue, drift; rejections with their code and place, and of lines the place in the whole."""
    seen = set[str]()

    @settings(TRIES, max_examples=200)
    @given(some_rules, records, st.lists(line_ends, min_size=4, max_size=4), st.booleans())
    def agree(rules: Rules, values: list[bytes], ends: list[bytes], ended: bool) -> None:
        decoder = Decoder(DECLARED, **asdict(rules))
        reference = Reference(COLUMNS, rules)

        def compare(decoded: Decoded, values: list[bytes]) -> None:
            expected = [reference.decode(value) for value in values]
            assert outcomes(decoded) == expected_outcomes(expected)
            drift = sum((result.drift for result in expected if isinstance(result, Row)), Counter[str]())
            assert {name: decoded.report.drift[name] for name in DRIFT} == {name: drift[name] for name in DRIFT}
            assert decoded.report.bytes == sum(map(len, values))
            seen.update(result.code if isinstance(result, Rejected) else "row" for result in expected)

        compare(decoder.decode(values), values)
        # A record on one line, and not taken for a blank one.
        lines = [line for line in (value.replace(b"\n", b" ").rstrip(b"\r") for value in values) if line]
        text = b"".join(line + end for line, end in zip(lines, ends, strict=False))
        decoded = decoder.decode(text if ended else text.removesuffix(b"\n"))
        compare(decoded, lines)
        for found in decoded.rejections:
            assert found.line is not None
            assert found.input_position is not None
            start = found.input_position - found.byte_position
            assert text[start:].startswith(lines[found.index])
            assert text[:start].count(b"\n") + 1 == found.line

    agree()
    assert {"row", "invalid_json", "not_an_object", "too_deep", "lone_surrogate", "invalid_utf8"} <= seen
