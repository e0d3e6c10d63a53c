"""`penstock explain` as its users meet it."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING

from penstock.config import load
from penstock.pipeline import EARLY_CUT_AT
from tests.cli.program import modules_of, penstock
from tests.config.pipeline_text import SECTIONS, pipeline_text

if TYPE_CHECKING:
    from pathlib import Path

SASL = 'mechanism = "SCRAM-SHA-512"\nuser = "u"\npassword_env = "BROKER_PASSWORD"'
COLUMNS = 'event_id = { type = "string", required = true }\ntokens = { path = "usage.total", type = "int64" }'
SAMPLE = [
    '{"id": "a", "at": "2026-01-31T00:00:00Z", "usage": {"total": 5}}',
    '{"id": "b", "at": "2026-01-31T00:00:01Z", "usage": {"total": 7}}',
    '{"id": "c", "secret": "hunter2"}',
    "{",
]


def test_text_says_what_will_happen(tmp_path: Path) -> None:
    """In the order of the stages; each setting with where it comes from."""
    (tmp_path / "a.toml").write_text(pipeline_text({"decode.columns": COLUMNS}))
    environment = {"PENSTOCK__SINK__CUT__AGE": "90s"}
    done = penstock("explain", "a.toml", "--set", "sink.cut.rows=5000", cwd=tmp_path, environment=environment)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0] == "agent-events: a.toml"
    titles = [line.partition(":")[0] for line in lines[2:] if line and not line.startswith(" ")]
    assert titles == ["source", "decode", "transform", "sink", "dead letters", "memory", "plan", "settings"]
    for line in (
        "decode: json, 2 columns, declared",
        "  event_id  string  required  event_id",
        "  tokens    int64             usage.total",
        "  A file is committed at 128MiB, 5,000 rows or 1m30s, whatever comes first.",
        "  The pipeline stops at 1,000 in a row, or more than 5 % of the last 10,000 records.",
        "  An open file holds up to 16MiB before it is encoded: 22 full ones fit.",
        "  One answer of a broker has up to 8MiB; it counts until it is decoded.",
        '  fetches record batches as they are: fetch_mode = "auto", and the installed aiokafka allows it',
    ):
        assert line in lines
    origins = {line.split()[0]: line.rsplit("  ", 1)[1] for line in lines[lines.index("settings") + 1 :]}
    assert origins["pipeline.name"] == "line 2"
    assert origins["sink.cut.age"] == "PENSTOCK__SINK__CUT__AGE"
    assert origins["sink.cut.rows"] == "--set"
    assert origins["source.group"] == origins["dead_letter.path"] == origins["decode.residue"] == "default"


def test_one_object_has_the_schema_and_the_digest(tmp_path: Path) -> None:
    """The digest is the one of a run."""
    path = tmp_path / "a.toml"
    path.write_text(pipeline_text({"decode.columns": COLUMNS}))
    done = penstock("explain", "a.toml", "--output", "json", cwd=tmp_path)
    found = json.loads(done.stdout)
    assert (found["file"], found["pipeline"], found["columns_from"]) == ("a.toml", "agent-events", "file")
    assert [(c["name"], c["path"], c["type"], c["required"]) for c in found["columns"]] == [
        ("event_id", ["event_id"], "string", True),
        ("tokens", ["usage", "total"], "int64", False),
    ]
    main = found["tables"]["main"]
    assert main["path"] == "events"
    assert [column["name"] for column in main["columns"]][:3] == ["event_id", "tokens", "_residue"]
    assert found["tables"]["dead_letter"]["path"] == "events-dead"
    from penstock._native import Engine  # noqa: PLC0415 - beside what it is compared with

    config = load(path, environment={})
    assert found["plan_digest"] == config.plan_digest(Engine(config.engine_json(), 1).schema_json("main"))
    assert found["fetching"] == {"mode": "auto", "fast": True, "problem": None}
    assert found["memory"]["early_cut_bytes"] == int(config.pipeline.memory_limit * EARLY_CUT_AT)
    assert {"key": "pipeline.memory_limit", "value": '"512MiB"', "origin": "default"} in found["settings"]


def test_no_secret_is_shown(tmp_path: Path) -> None:
    """Only where it is."""
    (tmp_path / "a.toml").write_text(pipeline_text({"source.sasl": SASL}))
    for form in ("text", "json"):
        environment = {"BROKER_PASSWORD": "hunter2"}
        done = penstock("explain", "a.toml", "--output", form, cwd=tmp_path, environment=environment)
        assert done.returncode == 0
        assert "BROKER_PASSWORD" in done.stdout
        assert "hunter2" not in done.stdout


def test_a_sample_shows_what_would_be_inferred(tmp_path: Path) -> None:
    """Types with the reason, never a value; what can't be decoded is counted."""
    (tmp_path / "a.toml").write_text(pipeline_text({"decode.columns": None}))
    (tmp_path / "events.ndjson.gz").write_bytes(gzip.compress("\n".join(SAMPLE).encode()))
    done = penstock("explain", "a.toml", "--sample", "events.ndjson.gz", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert "decode: json, 4 columns, inferred from the sample" in lines
    assert any(line.startswith("at timestamp[us, UTC] at in 66.7 %") for line in lines)
    assert any(line.startswith("usage_total int64 usage.total in 66.7 %") for line in lines)
    assert "1 record of the sample can't be decoded: dead letters." in lines
    assert "hunter2" not in done.stdout
    found = json.loads(
        penstock("explain", "a.toml", "--sample", "events.ndjson.gz", "--output", "json", cwd=tmp_path).stdout
    )
    assert (found["columns_from"], found["sample_records"], found["sample_rejections"]) == ("sample", 3, 1)
    assert [column["present"] for column in found["columns"]] == [3, 2, 2, 1]


def test_columns_that_are_inferred_later_are_not_made_up(tmp_path: Path) -> None:
    """It says when they are known."""
    (tmp_path / "a.toml").write_text(pipeline_text({"decode.columns": None, "decode": "infer_records = 2000"}))
    done = penstock("explain", "a.toml", cwd=tmp_path)
    assert "  The first 2,000 records decide, once; then the table keeps the columns." in done.stdout.splitlines()
    found = json.loads(penstock("explain", "a.toml", "--output", "json", cwd=tmp_path).stdout)
    assert (found["columns"], found["tables"]["main"]["columns"], found["plan_digest"]) == ([], None, None)


def test_mistakes_are_told_as_by_run(tmp_path: Path) -> None:
    """With the same words and exit code."""
    (tmp_path / "a.toml").write_text(pipeline_text({"sink": 'path = 3\nrow = "x"'}))
    done = penstock("explain", "a.toml", cwd=tmp_path)
    assert done.returncode == 78
    assert done.stdout == ""
    assert done.stderr == penstock("run", "a.toml", cwd=tmp_path).stderr
    assert len(done.stderr.splitlines()) == 2


def test_a_sample_that_is_not_needed_is_refused(tmp_path: Path) -> None:
    """Rather than ignored."""
    (tmp_path / "a.toml").write_text(pipeline_text({}))
    done = penstock("explain", "a.toml", "--sample", "x", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (
        2,
        "error: a.toml declares its columns; a sample is for a file that has them inferred.\n",
    )


def test_it_connects_to_nothing_and_imports_little(tmp_path: Path) -> None:
    """No Arrow; the client only to see whether it allows the mode that is asked for."""
    (tmp_path / "a.toml").write_text(pipeline_text({"pipeline": SECTIONS["pipeline"]}))
    imported = modules_of("explain", "a.toml", "--set", "source.fetch_mode=records", cwd=tmp_path)
    assert "penstock.explain.text" in imported
    assert imported & {"pyarrow", "aiokafka", "confluent_kafka"} == set()
