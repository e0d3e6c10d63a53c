"""Steps of a pipeline file: every mistake at its key, and what a valid one becomes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from penstock._native import Engine
from penstock.config import load
from penstock.errors import ConfigError
from tests.config.pipeline_text import load_text, pipeline_text, write

if TYPE_CHECKING:
    from pathlib import Path

LATER = "not available yet in this version"
COLUMNS = {"decode.columns": 'id = "string"\nn = "int64"\nat = "timestamp[ms, UTC]"\nuser = "json"'}

# What is wrong, the keys of the step with the place marked by §, and what the message says after the place.
MISTAKES = {
    "no type": ('§where = "n > 1"', 'transform.0: type is missing; write "filter", "select" or "redact"'),
    "unknown type": (
        '§type = "filtr"',
        'transform.0.type: "filtr" is not "filter", "select" or "redact"; did you mean "filter"?',
    ),
    "later type": ('§type = "sql"\nquery = "SELECT 1"', f'transform.0.type: "sql" is {LATER}; there are "filter"'),
    "later python": ('§type = "python"\nfunction = "a:b"', f'transform.0.type: "python" is {LATER}'),
    "unknown key": (
        'type = "filter"\nwhere = "n > 1"\n§wher = 1',
        'transform.0.wher: unknown key; did you mean "where"? Keys of [transform.0]: type, where',
    ),
    "missing key": ('§type = "filter"', "transform.0.where: required key is missing"),
    "key of another type": ('type = "filter"\n§where = 3', "transform.0.where: 3 is not a string; write it in quotes"),
    "empty condition": ('type = "filter"\n§where = " "', 'transform.0.where: " " is empty'),
    "syntax": (
        'type = "filter"\n§where = "n > "',
        "transform.0.where: column 5: expected an expression, found the end",
    ),
    "second line": (
        "type = \"filter\"\n§where = '''\nn > 1\nAND m = 2'''",
        "transform.0.where: line 2, column 5: there is no column `m`",
    ),
    "unknown column": (
        'type = "filter"\n§where = "n > 1 AND idd = \'a\'"',
        'transform.0.where: column 11: there is no column `idd`; did you mean "id"?; columns here: id, n, at, user',
    ),
    "types": (
        'type = "filter"\n§where = "at > 5"',
        "transform.0.where: column 1: can't compare `at` (timestamp[ms, UTC]) with 5; cast one of them",
    ),
    "no list": ('type = "select"\n§keep = "n"', 'transform.0.keep: "n" is not a list; write ["..."]'),
    "keep and drop": (
        'type = "select"\nkeep = ["n"]\n§drop = ["id"]',
        "transform.0.drop: can't be set together with keep; keep one of them",
    ),
    "nothing to select": (
        '§type = "select"',
        "transform.0.keep: is missing; a select needs keep, drop, rename or cast",
    ),
    "kafka column": (
        'type = "select"\nkeep = ["n", §"kafka_offset"]',
        "transform.0.keep.1: `kafka_offset` is not a column of the events; sink.kafka_columns says whether",
    ),
    "cast to nothing": (
        'type = "select"\ncast = { §n = "strng" }',
        'transform.0.cast.n: "strng" is not a column type; did you mean "string"?',
    ),
    "impossible cast": ('type = "select"\ncast = { §n = "date" }', "transform.0.cast.n: can't cast int64 to date"),
    "name taken": (
        'type = "select"\nrename = { §n = "id" }',
        "transform.0.rename.n: there would be two columns `id`; choose another name",
    ),
    "reserved name": (
        'type = "select"\nrename = { §n = "kafka_n" }',
        'transform.0.rename.n: "kafka_n" is reserved for Penstock',
    ),
    "no text": (
        'type = "redact"\ncolumns = [§"n"]',
        "transform.0.columns.0: `n` is int64, and only text can be redacted; drop it, or cast it to string before",
    ),
    "pattern": (
        'type = "redact"\npatterns = ["card", §"emial"]',
        'transform.0.patterns.1: there is no built-in pattern "emial"; did you mean "email"?; there are email, phone,',
    ),
    "own pattern": (
        'type = "redact"\npatterns = [{ name = "x", §regex = "a(" }]',
        "transform.0.patterns.0.regex: is not a regular expression: unclosed group",
    ),
    "name of a pattern": (
        'type = "redact"\npatterns = [{ §name = "X!", regex = "a" }]',
        'transform.0.patterns.0.name: "X!" can\'t be the name of a pattern of your own',
    ),
    "whole and patterns": (
        'type = "redact"\ncolumns = ["id"]\nwhole = true\n§patterns = ["email"]',
        "transform.0.patterns: can't be set together with whole = true",
    ),
    "whole of nothing": ('type = "redact"\n§whole = true', "transform.0.whole: needs columns beside it"),
    "mode": (
        'type = "redact"\n§mode = "hsah"',
        'transform.0.mode: "hsah" is not "mask" or "hash"; did you mean "hash"?',
    ),
    "hash without key": (
        'type = "redact"\n§mode = "hash"',
        "transform.0.mode: needs key_env or key_file beside it: hashes are keyed",
    ),
    "key of a mask": ('type = "redact"\n§key_env = "HOME"', 'transform.0.key_env: is for mode = "hash"'),
    "two keys": (
        'type = "redact"\nmode = "hash"\nkey_env = "KEY"\n§key_file = "key"',
        "transform.0.key_file: can't be set together with key_env; keep one of them",
    ),
    "key in the file": (
        'type = "redact"\nmode = "hash"\n§key_env = "t0p-secret"',
        "transform.0.key_env: not the name of an environment variable; write the name, not the key itself",
    ),
    "short key": (
        'type = "redact"\n§mode = "hash"\nkey_file = "key"',
        "transform.0.mode: the key is too short; it needs at least 16 bytes",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_in_a_step_is_named_with_its_place(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One mistake gives one line: file, line, column, key, and what to do."""
    keys, message = MISTAKES[name]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KEY", "0123456789abcdef")
    (tmp_path / "key").write_text("short")
    path, place = write(tmp_path, pipeline_text(COLUMNS) + f"[[transform]]\n{keys}\n")
    with pytest.raises(ConfigError) as caught:
        load(path, environment={})
    first, *more = str(caught.value).splitlines()
    if name not in ("no type", "missing key", "nothing to select"):
        assert first.startswith(f"{path}{place}: ")
    assert message in first
    assert more == []
    assert "t0p-secret" not in first


def test_mistakes_of_all_steps_come_at_once(tmp_path: Path) -> None:
    """In the order of the file."""
    steps = (
        '[[transform]]\ntype = "filter"\nwhere = "m > 1 AND k = 1"\n[[transform]]\ntype = "redact"\ncolumns = ["n"]\n'
    )
    with pytest.raises(ConfigError) as caught:
        load_text(tmp_path, pipeline_text(COLUMNS) + steps)
    keys = [line.split(": ")[1] for line in str(caught.value).splitlines()]
    assert keys == ["transform.0.where", "transform.0.where", "transform.1.columns.0"]


STEPS = """
[[transform]]
type = "filter"
where = "n > 1"

[[transform]]
type = "select"
rename = { n = "number" }
cast = { at = "string" }
drop = ["user"]

[[transform]]
type = "redact"
mode = "hash"
key_file = "key"
patterns = ["email", { name = "ticket", regex = "T-[0-9]+" }]
"""


def test_the_table_is_what_the_steps_leave(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine's schema follows the steps, and says what each of them reads and needs."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "key").write_text("0123456789abcdef\n")
    config = load_text(tmp_path, pipeline_text(COLUMNS) + STEPS)
    engine = Engine(config.engine_json(), 1)
    names = [column["name"] for column in json.loads(engine.schema_json("main"))]
    assert names[:4] == ["id", "number", "at", "_residue"]
    steps = json.loads(engine.explain_json())
    assert [(step["type"], step["runs"]) for step in steps] == [
        ("filter", "before text"),
        ("select", "on columns"),
        ("redact", "on columns"),
    ]
    assert [step["reads"] for step in steps] == [["n"], ["at"], ["id", "at", "_residue"]]
    assert steps[0]["builds"] == ["n"]
    assert steps[1]["builds"] == ["id", "n", "at", "_residue"]
    assert steps[2]["schema"][2] == {"name": "at", "type": "string", "nullable": True}


def test_steps_take_part_in_the_plan_digest_and_keys_do_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What decides a verdict changes the digest; the key of a hash decides none, and is nowhere in the file."""
    monkeypatch.chdir(tmp_path)
    key = tmp_path / "key"
    key.write_text("0123456789abcdef")
    config = load_text(tmp_path, pipeline_text(COLUMNS) + STEPS)
    digest = config.plan_digest("[]")
    assert "0123456789abcdef" not in repr(config) + config.model_dump_json()
    key.write_text("fedcba9876543210")
    assert load_text(tmp_path, pipeline_text(COLUMNS) + STEPS).plan_digest("[]") == digest
    changed = load_text(tmp_path, pipeline_text(COLUMNS) + STEPS.replace("n > 1", "n > 2"))
    assert len({digest, changed.plan_digest("[]"), load_text(tmp_path, pipeline_text(COLUMNS)).plan_digest("[]")}) == 3
