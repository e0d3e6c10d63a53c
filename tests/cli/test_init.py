"""`penstock init` as its users meet it: what it writes runs, and is never written over something."""

from __future__ import annotations

import gzip
import hashlib
import json
from typing import TYPE_CHECKING

import pytest
from confluent_kafka import Producer

from penstock.config import FileSource, KafkaSource, load
from penstock.demo.broker import EmbeddedBroker
from tests.cli.program import penstock

if TYPE_CHECKING:
    from pathlib import Path

RECORDS = [
    '{"id": "a", "format": "x", "usage": {"total": 5}, "a.b": 1.5, "at": "2026-01-31T00:00:00Z"}',
    '{"id": "b", "format": "y", "usage": {"total": 7}, "né": null}',
    '{"id": "hunter2", "format": "hunter2"}',
]


def write(path: Path, lines: list[str] = RECORDS) -> Path:
    """A sample."""
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_the_starter_file_passes_lint_and_runs(tmp_path: Path) -> None:
    """Every one of its events is a row or a dead letter, and there are some of both."""
    done = penstock("init", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == "Next: penstock run pipeline.toml --dry-run --max-records 10"
    assert {path.name for path in tmp_path.iterdir()} == {"pipeline.toml", "sample-events.ndjson"}
    lint = penstock("lint", "pipeline.toml", cwd=tmp_path)
    assert (lint.returncode, lint.stdout) == (0, "")
    ran = penstock("run", "pipeline.toml", "--output", "json", cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    result = json.loads(ran.stdout)
    lines = (tmp_path / "sample-events.ndjson").read_bytes().splitlines()
    assert result["records"] == len(lines) == result["rows"] + result["dead_letters"]
    assert result["dead_letters"] > 0
    assert penstock("verify", "sample-events-table", cwd=tmp_path).returncode == 0


def test_columns_come_from_the_sample_with_a_comment_each(tmp_path: Path) -> None:
    """Where the value is, its type, how often it is there; no value."""
    write(tmp_path / "events.ndjson")
    done = penstock("init", "--from", "events.ndjson", "new.toml", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    text = (tmp_path / "new.toml").read_text(encoding="utf-8")
    assert "hunter2" not in text
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert 'id = "string" # in all; always strings' in lines
    assert 'usage_total = { path = "usage.total", type = "int64" } # in 66.7 %; always integers of int64' in lines
    assert "# penstock run new.toml --dry-run --max-records 10" in lines
    config = load(tmp_path / "new.toml", environment={})
    assert isinstance(config.source, FileSource)
    assert (config.pipeline.name, config.source.path) == ("events", ("events.ndjson",))
    assert {name: column.path for name, column in config.decode.columns.items()} == {
        "id": ("id",),
        "format_value": ("format",),
        "usage_total": ("usage", "total"),
        "a_b": ("a.b",),
        "at": ("at",),
        "né": ("né",),
    }
    assert penstock("lint", "new.toml", cwd=tmp_path).stdout == ""


@pytest.mark.parametrize(
    "name", ["we ird.ndjson", 'quo"te.ndjson', "line\nbreak.ndjson", "naïve🎉", "-x.ndjson", " .ndjson"]
)
def test_any_name_of_a_sample_can_be_written(name: str, tmp_path: Path) -> None:
    """A path is data, also in a comment."""
    write(tmp_path / name)
    done = penstock("init", f"--from={name}", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    config = load(tmp_path / "pipeline.toml", environment={})
    assert isinstance(config.source, FileSource)
    assert config.source.path == (name,)


def test_one_object_says_what_was_written(tmp_path: Path) -> None:
    """For programs."""
    write(tmp_path / "events.ndjson", [*RECORDS, "{"])
    done = penstock("init", "--from", "events.ndjson", "--output", "json", cwd=tmp_path)
    assert json.loads(done.stdout) == {
        "file": "pipeline.toml",
        "sample_file": None,
        "columns": 6,
        "records": 3,
        "undecodable": 1,
        "damage": None,
    }


def test_columns_come_from_a_topic(tmp_path: Path) -> None:
    """Read without a group."""
    with EmbeddedBroker() as broker:
        broker.create_topic("agent.events", 2)
        producer = Producer({"bootstrap.servers": broker.bootstrap, "log_level": 0})
        for number, record in enumerate(RECORDS):
            producer.produce("agent.events", record.encode(), partition=number % 2)
        assert producer.flush(10) == 0
        done = penstock("init", "--from", f"kafka://{broker.bootstrap}/agent.events", cwd=tmp_path)
        assert (done.returncode, done.stderr) == (0, "")
        config = load(tmp_path / "pipeline.toml", environment={})
        assert isinstance(config.source, KafkaSource)
        assert (config.source.brokers, config.source.topics) == ((broker.bootstrap,), ("agent.events",))
        assert set(config.decode.columns) == {"id", "format_value", "usage_total", "a_b", "at", "né"}
        assert penstock("lint", "pipeline.toml", cwd=tmp_path).stdout == ""
        broker.create_topic("empty", 1)
        done = penstock("init", "--from", f"kafka://{broker.bootstrap}/empty", "other.toml", cwd=tmp_path)
        assert done.returncode == 69
        assert "has no records yet" in done.stderr


@pytest.mark.parametrize("there", ["pipeline.toml", "sample-events.ndjson"])
def test_nothing_is_written_over(there: str, tmp_path: Path) -> None:
    """Unless it is asked for."""
    (tmp_path / there).write_text("mine")
    done = penstock("init", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"error: {there} exists. Name another file, or write over it with --force.\n"
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {there: "mine"}
    assert penstock("init", "--force", cwd=tmp_path).returncode == 0
    assert penstock("lint", "pipeline.toml", cwd=tmp_path).returncode == 0


def test_a_sample_that_is_cut_off_is_used_as_far_as_it_goes(tmp_path: Path) -> None:
    """And said so."""
    content = "".join(f'{{"id": "{hashlib.sha256(b"%d" % number).hexdigest()}"}}\n' for number in range(5000))
    whole = gzip.compress(content.encode())
    (tmp_path / "events.ndjson.gz").write_bytes(whole[: len(whole) // 2])
    done = penstock("init", "--from", "events.ndjson.gz", "--output", "json", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    written = json.loads(done.stdout)
    assert written["damage"] == "it is cut off: the compressed data have no end"
    assert 1000 < written["records"] < 5000
    done = penstock("init", "--from", "events.ndjson.gz", "--force", cwd=tmp_path)
    assert done.stderr == "The sample ends early: it is cut off: the compressed data have no end.\n"


BAD = {
    "empty": (b"", "is no sample: it is empty. A sample has one JSON object per line."),
    "blank": (b"\n\n", "is no sample: it is empty."),
    "binary": (b"PAR1\0\0\1\2", "is a binary file; a sample has one JSON object per line."),
    "array": (b"[1,\n2]\n", "none of its first 2 records can be decoded; record 1 is invalid_json"),
    "text": (b"hello\n", "none of its first 1 records can be decoded; record 1 is invalid_json"),
    "no keys": (b"{}\n{}\n", "its first 2 records have no keys; a column is a key of a JSON object."),
    "cut.gz": (gzip.compress(b"{}" * 999)[:20], "is no sample: it is cut off: the compressed data have no end"),
    "plain.gz": (b'{"a": 1}\n', "is no sample: the compressed data are damaged"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_sample_is_refused(name: str, tmp_path: Path) -> None:
    """Saying what it is, and writing nothing."""
    content, message = BAD[name]
    (tmp_path / name).write_bytes(content)
    done = penstock("init", "--from", name, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"error: {name}")
    assert message in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--from", "nothing.ndjson"], 2, "nothing.ndjson: no such file; a sample is a file with one JSON object"),
        (["--from", "."], 2, ". is a directory; name one file of it."),
        (["--from", "kafka://localhost:9092"], 2, "kafka://localhost:9092 is no address of a topic; write kafka://"),
        (["--from", "http://a/b"], 2, "http://a/b is no address of a topic; write kafka://host:port/topic"),
        (["--from", "kafka://localhost/a"], 2, '"localhost" is not a broker; write host and port'),
        (["--from", "kafka://localhost:1/a b"], 2, '"a b" is not a topic name'),
        (["--from", "kafka://localhost:1/a"], 69, "Broker localhost:1: connection refused."),
        (["--from", "kafka://u:hunter2@localhost:1/a"], 2, "--from takes no user or password"),
        (["."], 2, ". is a directory; name the file to write."),
        (["--from", "caf\udce9.ndjson"], 2, "A name that is not UTF-8 can't be written into a pipeline file"),
        (["none/pipeline.toml"], 2, "none/sample-events.ndjson: the directory none does not exist; create it first."),
    ],
)
def test_what_can_not_be_done_is_said(arguments: list[str], code: int, message: str, tmp_path: Path) -> None:
    """In one line, with the right exit code, and no password."""
    done = penstock("init", *arguments, cwd=tmp_path)
    assert done.returncode == code, done.stderr
    assert done.stderr.startswith(f"error: {message}")
    assert "hunter2" not in done.stderr
    assert list(tmp_path.iterdir()) == []
