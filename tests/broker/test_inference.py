"""Pipelines without declared columns: inferred from the topic once, by whoever comes first."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq

from tests.broker.records import ROW, Record
from tests.broker.source_log import data_files

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.broker.daemon import Job
    from tests.broker.producing import Source
    from tests.broker.topics import Topics

_TYPED = {
    "event_id": "string",
    "at": "timestamp[us, tz=UTC]",
    "usage_tokens": "int64",
    "tags": "list<item: string>",
}


def _send(source: Source, topic: str, events: Iterable[dict[str, Any]], partition: int = 0) -> None:
    """Produce `events`; the log expects a row of each."""
    for number, event in enumerate(events):
        key = f"{topic}/{partition}/{number}".encode()
        source.send(topic, partition, Record(key, json.dumps(event).encode(), ROW, ROW), [])
    source.flush()


def _events(count: int, **more: Any) -> list[dict[str, Any]]:
    return [
        {"event_id": str(n), "at": "2026-01-31T10:00:00Z", "usage": {"tokens": n}, "tags": ["a", None], **more}
        for n in range(count)
    ]


def _columns(job: Job) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((job.table / "_penstock" / "columns.json").read_text())["columns"]
    return found


def _rows(job: Job) -> list[dict[str, Any]]:
    return [row for path in data_files(job.table) for row in pq.read_table(path).to_pylist()]


def _no_columns(job: Job, topic: str, **changes: Any) -> None:
    job.configure(topic, decode={"columns": None}, **changes)


def test_events_arrive_typed_and_columns_stay(topics: Topics, job: Job, source: Source) -> None:
    """Killed and started again the daemon does not infer again: what is new goes to the residue."""
    topic = topics.create(partitions=2)
    _no_columns(job, topic)
    daemon = job.start()
    daemon.wait_logged("waiting for the first")
    _send(source, topic, _events(100), 1)
    job.wait_visible(100)
    daemon.kill()
    first = _columns(job)
    file = data_files(job.table)[0]
    types = {field.name: str(field.type) for field in pq.read_schema(file)}
    assert {name: types[name] for name in _TYPED} == _TYPED
    _send(source, topic, _events(50, model="gate-1", at="soon"))
    daemon = job.start("--until-end")
    assert daemon.wait_exit() == 0
    assert "Column inferred" not in daemon.stderr
    assert _columns(job) == first
    rows = _rows(job)
    assert len(rows) == 150
    drifted = [row for row in rows if row["at"] is None]
    assert [json.loads(row["_residue"]) for row in drifted] == [{"at": "soon", "model": "gate-1"}] * 50


def test_daemons_started_at_once_agree(topics: Topics, job: Job, source: Source) -> None:
    """Each partition has another shape, so samples may differ; the table has one schema, and every event is in it."""
    topic = topics.create(partitions=2)
    _send(source, topic, _events(500, a=1, b="x"), 0)
    _send(source, topic, _events(500, b=1.5, c={"d": True}), 1)
    _no_columns(job, topic)
    daemons = [job.start() for _ in range(2)]
    job.wait_visible(1000)
    assert [daemon.terminate() for daemon in daemons] == [0, 0]
    assert len({str(pq.read_schema(path).remove_metadata()) for path in data_files(job.table)}) == 1
    assert sorted(int(row["event_id"]) for row in _rows(job)) == sorted([*range(500)] * 2)


def test_latest_does_not_lose_what_is_sampled(topics: Topics, job: Job, source: Source) -> None:
    """The table's positions are fixed before the sample is read."""
    topic = topics.create()
    _send(source, topic, _events(20, old=True))
    _no_columns(job, topic, source={"start": "latest"})
    daemon = job.start()
    daemon.wait_logged("waiting for the first")
    _send(source, topic, _events(30))
    job.wait_visible(30)
    assert daemon.terminate() == 0
    assert [column["name"] for column in _columns(job)] == list(_TYPED)
    assert len(_rows(job)) == 30


def test_nothing_decodable_ends_with_78(topics: Topics, job: Job, source: Source) -> None:
    """A topic of another format; the message says so, and no columns are kept."""
    topic = topics.create()
    for number in range(5):
        source.send(topic, 0, Record(str(number).encode(), b"<event/>", "invalid_json", "invalid_json"), [])
    source.flush()
    _no_columns(job, topic)
    daemon = job.start()
    assert daemon.wait_exit() == 78
    assert "of the first 5 records 0 can be decoded; the first is invalid_json" in daemon.stderr
    assert not (job.table / "_penstock" / "columns.json").exists()


def test_an_empty_topic_can_be_waited_for_or_ended(topics: Topics, job: Job) -> None:
    """SIGTERM ends the wait; a run to the end has nothing to do."""
    topic = topics.create()
    _no_columns(job, topic)
    daemon = job.start()
    daemon.wait_logged("waiting for the first")
    assert daemon.terminate() == 0
    assert job.run_to_end()["records"] == 0


def test_dry_run_infers_and_keeps_nothing(topics: Topics, job: Job, source: Source) -> None:
    """Rows are shown with inferred columns."""
    topic = topics.create()
    _send(source, topic, _events(10))
    _no_columns(job, topic)
    daemon = job.start("--dry-run", "--until-end", "--output", "json")
    assert daemon.wait_exit() == 0
    assert json.loads(daemon.stdout.splitlines()[3])["usage_tokens"] == 3
    assert not job.table.exists()
