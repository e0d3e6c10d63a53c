"""`penstock.testing`: the real pipeline over records in memory."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from penstock.config import load_test
from penstock.errors import ConfigError
from penstock.source.memory import MemorySource
from penstock.testing import Clock, Entry, Record, Tables, Wait, deliver, partition, run_pipeline

ROOT = Path(__file__).parents[2]
PIPELINE = {
    "pipeline": {"name": "tested"},
    "decode": {"columns": {"id": "string", "n": "int64"}},
    "sink": {"path": "out", "cut": {"age": "5m"}},
}


def test_the_documented_example_passes(tmp_path: Path) -> None:
    """The pipeline file and the tests of docs/testing.md, as they stand there."""
    text = (ROOT / "docs" / "testing.md").read_text()
    for name, kind in (("pipeline.toml", "toml"), ("test_pipeline.py", "python")):
        (block,) = re.findall(rf"```{kind}\n(.*?)```", text, re.DOTALL)
        (tmp_path / name).write_text(block)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_pipeline.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout
    assert "5 passed" in done.stdout


def test_a_dict_is_a_pipeline_and_stays_as_it_was() -> None:
    """Rows, dead letters and counts of one run."""
    before = repr(PIPELINE)
    result = run_pipeline(PIPELINE, [{"id": "a", "n": 1}, b"{", None, {"id": "b", "n": "x"}])
    assert repr(PIPELINE) == before
    assert result.rows == [{"id": "a", "n": 1, "_residue": None}, {"id": "b", "n": None, "_residue": '{"n":"x"}'}]
    assert [(letter["kafka_offset"], letter["value"]) for letter in result.dead_letters] == [(1, b"{")]
    report = result.report
    assert (report.records, report.rows, report.dead_letters, report.tombstones, report.commits) == (4, 2, 1, 1, 1)
    assert result.table().column_names[-4:] == ["kafka_topic", "kafka_partition", "kafka_offset", "kafka_timestamp"]


def test_every_example_file_runs() -> None:
    """With their own columns, whatever their source and paths."""
    for path in sorted((ROOT / "examples").glob("*.toml")):
        assert run_pipeline(path, [{"event_id": "a"}]).rows[0]["event_id"] == "a"


def test_settings_override_the_file() -> None:
    """By key, as `--set` does; rotation goes by what was handed over before a wait."""
    records: list[Entry] = [{"id": "a"}, {"id": "b"}, Wait(1), {"id": "c"}]
    assert run_pipeline(PIPELINE, records).report.commits == 1
    assert run_pipeline(PIPELINE, records, settings={"sink.cut.rows": 2}).report.commits == 2
    assert run_pipeline(PIPELINE, records, settings={"sink.cut.age": "1s"}).report.commits == 2


def test_another_pipeline_on_the_same_tables_is_refused() -> None:
    """The rules of ownership and of fixed columns hold here too."""
    tables = run_pipeline(PIPELINE, [{"id": "a"}]).tables
    with pytest.raises(ConfigError, match="belongs to the pipeline tested"):
        run_pipeline(PIPELINE, [], settings={"pipeline.name": "other"}, tables=tables)
    with pytest.raises(ConfigError, match="columns are not the table's"):
        run_pipeline({**PIPELINE, "decode": {"columns": {"id": "int64"}}}, [], tables=tables)


def test_a_mistake_in_the_dict_names_its_key() -> None:
    """There are no lines to name."""
    with pytest.raises(ConfigError, match=r"^pipeline: decode\.columns\.id: "):
        run_pipeline({"decode": {"columns": {"id": "strin"}}}, [])


def test_no_records_are_no_rows() -> None:
    """And no commit."""
    result = run_pipeline(PIPELINE, [])
    assert (result.rows, result.dead_letters, result.report.commits, result.table().num_rows) == ([], [], 0, 0)


async def test_partitions_of_a_source_of_ones_own() -> None:
    """The lower part: several partitions, small batches, keys and times, on the test's event loop."""
    clock, tables = Clock(), Tables()
    scripts = {
        partition("events", number): [Record(b'{"n": %d}' % n, b"k", [("h", b"v")], n) for n in range(10)]
        for number in range(3)
    }
    result = await deliver(load_test(PIPELINE), MemorySource(scripts, clock.advance, batch_records=3), tables, clock)
    rows = result.table().to_pylist()
    assert sorted((row["kafka_partition"], row["kafka_offset"], row["n"]) for row in rows) == [
        (number, n, n) for number in range(3) for n in range(10)
    ]
    assert {row["kafka_timestamp"].timestamp() * 1000 for row in rows} == {float(n) for n in range(10)}
    assert result.report.commits == 3


def test_steps_fit_columns_that_are_inferred() -> None:
    """They are checked once the columns are known, run on nested ones too, and are kept for the next run."""
    pipeline = {
        "pipeline": {"name": "inferred"},
        "transform": [
            {"type": "filter", "where": "n > 1 AND who IS NOT NULL"},
            {"type": "redact", "patterns": ["email"]},
        ],
        "sink": {"path": "out"},
    }
    records: list[Entry] = [
        {"n": 1, "who": ["a@example.com"], "by": {"mail": "b@example.com"}},
        {"n": 2, "who": ["c@example.com", "d"], "by": {"mail": "e@example.com"}},
        {"n": 3, "by": {"mail": "f@example.com"}},
    ]
    result = run_pipeline(pipeline, records)
    assert result.rows == [{"n": 2, "who": ["[email]", "d"], "by_mail": "[email]", "_residue": None}]
    assert result.report.filtered == 2
    more: list[Entry] = [*records, {"n": 4, "who": ["g"], "new": "h@example.com"}]
    again = run_pipeline(pipeline, more, tables=result.tables)
    assert again.rows[1:] == [{"n": 4, "who": ["g"], "by_mail": None, "_residue": '{"new":"[email]"}'}]


def test_a_step_that_does_not_fit_inferred_columns_is_explained() -> None:
    """The step, its key, and where the columns come from."""
    pipeline = {
        "pipeline": {"name": "inferred"},
        "transform": [{"type": "filter", "where": "m > 1"}],
        "sink": {"path": "out"},
    }
    with pytest.raises(ConfigError, match=r"(?s)transform\.0\.where: .*no column `m`.*inferred; declare them"):
        run_pipeline(pipeline, [{"n": 1}])
