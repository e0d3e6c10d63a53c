"""Records whose fate is known: what each must become, under the tests' pipeline and under a changed one."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

ROW: Final = "row"
TOMBSTONE: Final = "tombstone"
ABORTED: Final = "aborted"
FILTERED: Final = "filtered"

MAX_DEPTH: Final = 8
MAX_BYTES: Final = 2000
DECODE: Final = {"format": "json", "max_depth": MAX_DEPTH, "max_bytes": MAX_BYTES}
COLUMNS: Final = {
    "event_id": {"type": "string", "required": True},
    "level": "string",
    "tokens": "int64",
}
CHANGED_DECODE: Final = {"format": "json", "max_depth": 2, "max_bytes": 400}
CHANGED_COLUMNS: Final = COLUMNS | {"level": {"type": "string", "required": True}}
"""Same columns, other verdicts: records without a level, deep ones and long ones are dead letters now."""


STEPS: Final = (
    {"type": "filter", "where": "level IS NULL OR level <> 'debug'"},
    {"type": "redact", "columns": ["event_id"], "whole": True},
)
"""A filter that reads one column, and a redaction of another."""


@dataclass(frozen=True, slots=True)
class Record:
    """`verdict` is ROW, TOMBSTONE, FILTERED or a code of dead letters; `changed` the same under the changed pipeline.

    `columns` is the row under either pipeline, `_residue` parsed.
    """

    key: bytes | None
    value: bytes | None
    verdict: str
    changed: str
    columns: dict[str, Any] | None = None


def stepped(record: Record) -> Record:
    """What becomes of the record under `STEPS`."""
    if record.columns is None:
        return record
    if record.columns["level"] == "debug":
        return Record(record.key, record.value, FILTERED, FILTERED)
    return replace(record, columns=record.columns | {"event_id": "[redacted]"})


def records(count: int, seed: int) -> Iterator[Record]:
    """`count` records, the same for the same seed: four of five are plain rows, the rest are every kind of trouble."""
    chance = random.Random(seed)
    for number in range(count):
        key = f"{seed}/{number}".encode()
        if number % 5 == 3:
            yield _troubled(key, number // 5, chance)
        else:
            yield _plain(key, chance)


def _plain(key: bytes, chance: random.Random) -> Record:
    columns = {"event_id": key.decode(), "level": chance.choice(["debug", "info", 'é\n"quoted"'])}
    event = columns | {"tokens": chance.randrange(-(10**6), 10**12)}
    text = json.dumps(event, ensure_ascii=chance.random() < 0.5)
    return Record(key, text.encode(), ROW, ROW, event | {"_residue": None})


def _troubled(key: bytes, kind: int, chance: random.Random) -> Record:
    event = {"event_id": key.decode(), "level": "info", "tokens": chance.randrange(100)}
    text = json.dumps(event)
    nested: object = 1
    for _ in range(MAX_DEPTH - 2):
        nested = {"n": nested}
    undeclared = {"model": "gate-1", "usage": {"cached": 3}}
    whole = event | {"_residue": None}
    found = (
        Record(key, None, TOMBSTONE, TOMBSTONE),
        _row(key, event | undeclared, ROW, whole | {"_residue": undeclared}),
        _dead(key, b"", "empty_value"),
        _row(key, event | {"tokens": "many"}, ROW, whole | {"tokens": None, "_residue": {"tokens": "many"}}),
        _dead(key, text[:-1].encode(), "invalid_json"),
        _row(key, {"event_id": key.decode(), "tokens": 7}, "missing_required", whole | {"level": None, "tokens": 7}),
        _dead(key, text.replace("info", "\udcff").encode(errors="surrogateescape"), "invalid_utf8"),
        _row(key, event | {"deep": nested}, "too_deep", whole | {"_residue": {"deep": nested}}),
        _dead(key, text.replace("info", "\\ud800").encode(), "lone_surrogate"),
        _row(key, event | {"pad": "x" * 1000}, "too_large", whole | {"_residue": {"pad": "x" * 1000}}),
        _dead(key, json.dumps([event]).encode(), "not_an_object"),
        _dead(key, json.dumps(event | {"deep": json.loads("[" * 20 + "]" * 20)}).encode(), "too_deep"),
        _dead(key, json.dumps(event | {"pad": "x" * MAX_BYTES}).encode(), "too_large"),
        _dead(key, json.dumps({"level": "info", "tokens": 1}).encode(), "missing_required"),
    )
    return found[kind % len(found)]


def _row(key: bytes, event: dict[str, Any], changed: str, columns: dict[str, Any]) -> Record:
    return Record(key, json.dumps(event).encode(), ROW, changed, columns)


def _dead(key: bytes, value: bytes, code: str) -> Record:
    return Record(key, value, code, code)
