from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import get_args

import pytest

from penstock._native import Engine
from penstock.batch import Partition, RawBatch, RecordColumns
from penstock.config import Config, load
from penstock.demo.events import COLUMNS, Event, Profile, events
from penstock.demo.pipeline_file import pipeline_toml


@pytest.fixture
def config(tmp_path: Path) -> Config:
    file = tmp_path / "pipeline.toml"
    text = pipeline_toml(["127.0.0.1:9092"], "agent-events", Path("events"), Path("dead letters"), file=file)
    file.write_text(text, encoding="utf-8")
    return load(file, environment={})


def _batch(sent: list[Event]) -> RawBatch:
    count = len(sent)
    return RawBatch(
        partition=Partition("cluster", "agent-events", "topic-id", 0),
        epoch=1,
        fetch_offset=0,
        next_offset=count,
        size_bytes=0,
        records=RecordColumns(
            [event.value for event in sent], [event.key for event in sent], [()] * count, range(count), [0] * count
        ),
    )


def test_the_pipeline_file_is_valid_and_says_what_it_was_told(config: Config) -> None:
    """Through the same loader as any other file."""
    assert config.kafka.brokers == ("127.0.0.1:9092",)
    assert config.kafka.topics == ("agent-events",)
    assert str(config.sink.path) == "events"
    assert str(config.dead_letter.path) == "dead letters"
    assert list(config.decode.columns) == list(COLUMNS)


@pytest.mark.parametrize("path", ['quote " and \\ backslash', "naïve 🎉", "line\nbreak"])
def test_any_path_can_be_written_into_it(tmp_path: Path, path: str) -> None:
    """A path is data, not TOML."""
    file = tmp_path / "pipeline.toml"
    file.write_text(pipeline_toml(["localhost:1"], "t", Path(path), Path("dead")), encoding="utf-8")
    assert str(load(file, environment={}).sink.path) == path


@pytest.mark.parametrize("profile", get_args(Profile))
def test_the_decoder_reaches_the_expected_verdict_on_every_event(config: Config, profile: Profile) -> None:
    """Rows, rejections by code, drift by reason, tombstones: record by record."""
    sent = list(events(profile, 4000, 2, malformed=0.2, drifting=0.2, tombstones=0.1))
    engine = Engine(config.engine_json(batches=True), 1)
    engine.open("agent-events", 0, 1, 0, None)
    ingested = engine.ingest([_batch(sent)])
    (report,), (rejections,) = ingested.reports, ingested.rejections
    found = {rejection.offset: rejection.code for rejection in rejections}
    expected = {offset: event.code for offset, event in enumerate(sent) if event.verdict == "dead_letter"}
    assert found == expected
    assert report.rows == sum(event.verdict == "row" for event in sent)
    assert report.tombstones == sum(event.verdict == "tombstone" for event in sent)
    drift = Counter(event.code for event in sent if event.verdict == "row" and event.code)
    assert report.drift["type_mismatch"] == drift["type_mismatch"]
    assert report.drift["unknown_key"] >= drift["unknown_key"]
