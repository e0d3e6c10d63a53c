"""Every example is a valid pipeline file, and the events of the demo fit the one that is made for them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from penstock._native import Engine
from penstock.batch import Partition, RawBatch, RecordColumns
from penstock.config import load
from penstock.demo.events import COLUMNS

FOLDER = Path(__file__).parents[2] / "examples"
EXAMPLES = sorted(FOLDER.rglob("*.toml"))


def _name(path: Path) -> str:
    """Of its folder, or of the file."""
    return path.stem if path.parent == FOLDER else path.parent.name


def test_there_are_examples() -> None:
    """The next test would be silent without."""
    found = {str(path.relative_to(FOLDER)) for path in EXAMPLES}
    assert {"agent-events.toml", "files.toml", "minimal.toml", "llm-gateway/pipeline.toml"} <= found


@pytest.mark.parametrize("path", EXAMPLES, ids=_name)
def test_an_example_loads(path: Path) -> None:
    """As it is, without any environment."""
    assert load(path, environment={}).pipeline.name == _name(path)


@pytest.mark.parametrize("path", EXAMPLES, ids=_name)
def test_an_example_loads_with_its_commented_keys(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is commented out is valid too."""
    monkeypatch.setenv("KAFKA_PASSWORD", "x")
    (tmp_path / "ca.pem").write_text("-----BEGIN CERTIFICATE-----")
    text = re.sub(r"^# (\[|\w+ = )", r"\1", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    full = tmp_path / path.name
    full.write_text(text.replace("/etc/penstock/ca.pem", str(tmp_path / "ca.pem")), encoding="utf-8")
    load(full, environment={})


def test_the_demo_events_fit_the_agent_events_example() -> None:
    """Same columns, same places, same types."""
    (path,) = (path for path in EXAMPLES if path.name == "agent-events.toml")
    declared = load(path, environment={}).decode.columns
    found = {name: (".".join(column.path), str(column.type)) for name, column in declared.items()}
    expected = {
        name: (name, column) if isinstance(column, str) else (column["path"], column["type"])
        for name, column in COLUMNS.items()
    }
    assert found == expected


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*/events.ndjson")), ids=_name)
def test_sample_records_have_rows_drift_and_dead_letters(path: Path) -> None:
    """Between 30 and 60 of them, and of each kind at least three."""
    records = path.read_bytes().splitlines()
    config = load(path.parent / "pipeline.toml", environment={})
    engine = Engine(config.engine_json(batches=True), 1)
    engine.open(_PARTITION.topic, _PARTITION.number, 0, 0, None)
    (report,) = engine.ingest([_batch(records)]).reports
    assert 30 <= report.records == len(records) <= 60
    assert report.dead_letters >= 3
    assert report.drift["type_mismatch"] >= 2
    assert report.drift["unknown_key"] >= 1


_PARTITION = Partition("cluster", "samples", "0" * 32, 0)


def _batch(values: list[bytes]) -> RawBatch:
    return RawBatch(
        partition=_PARTITION,
        epoch=0,
        fetch_offset=0,
        next_offset=len(values),
        size_bytes=sum(map(len, values)),
        records=RecordColumns(values, [None] * len(values), [()] * len(values), range(len(values)), [0] * len(values)),
    )
