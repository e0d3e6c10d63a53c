"""Topics that appear, go missing or are replaced."""

from __future__ import annotations

import signal
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.broker.records import ROW, TOMBSTONE

if TYPE_CHECKING:
    from tests.broker.daemon import Job
    from tests.broker.producing import Source
    from tests.broker.source_log import SourceLog
    from tests.broker.topics import Topics


def test_pattern_takes_in_a_topic_created_later(topics: Topics, job: Job, source: Source) -> None:
    """With `topics_regex` a matching topic that appears while the daemon runs is read from its beginning."""
    first = topics.create("a1")
    topics.create("other")
    pattern = f"{topics.prefix}\\.a.*"
    job.configure(source={"topics": None, "topics_regex": pattern, "start": "latest"})
    daemon = job.start()
    origin = job.table / "_penstock" / "origin"
    daemon.wait_for(lambda: origin.is_dir() and any(origin.iterdir()), "the first topic's origin is written")
    source.produce(first, 50)
    job.wait_visible()
    source.produce(topics.create("a2"), 50)
    job.wait_visible()
    daemon.terminate()
    job.assert_exact()


def test_missing_topic_ends_with_69_and_is_not_created(topics: Topics, job: Job) -> None:
    """A topic that does not exist is named, and asking for it did not create it."""
    missing = f"{topics.prefix}.missing"
    job.configure(missing)
    daemon = job.start()
    assert daemon.wait_exit() == 69
    assert missing in daemon.stderr
    assert not topics.exists(missing)


def test_deleted_topic_is_not_created_again(topics: Topics, job: Job, source: Source) -> None:
    """A topic deleted under a running daemon stays deleted, is reported, and the other topic goes on or is drained."""
    gone, stays = topics.create("gone"), topics.create("stays")
    source.produce(gone, 50)
    source.produce(stays, 50)
    job.configure(gone, stays)
    daemon = job.start()
    job.wait_visible()
    topics.delete(gone)
    assert daemon.wait_exit() in {69, 76}
    assert gone in daemon.stderr
    assert not topics.exists(gone)
    job.assert_exact()


def test_recreated_topic_is_refused(topics: Topics, job: Job, source: Source) -> None:
    """A topic of the same name but another id is not read on from the old position: 76, and nothing is added."""
    topic = topics.create()
    source.produce(topic, 50)
    job.configure(topic)
    job.run_to_end()
    before = job.log.where(lambda _: True)
    topics.delete(topic)
    topics.create()
    source.produce(topic, 100)
    daemon = job.start("--until-end")
    assert daemon.wait_exit() == 76
    assert topic in daemon.stderr
    job.assert_exact(before)


def _assert_beginning(job: Job, log: SourceLog) -> None:
    """Rows up to some offset; dead letters, which are committed first, up to there or up to the end of a commit."""
    job.assert_verified()
    found = job.compare(log)
    assert replace(found, lost=[]).exact, found
    lost = {position.offset for position in found.lost}
    expected = sorted((position.offset, record.verdict) for position, record in log.entries.items())
    rows = [offset for offset, verdict in expected if verdict == ROW]
    dead = [offset for offset, verdict in expected if verdict not in {ROW, TOMBSTONE}]
    held_rows, held_dead = ([offset for offset in offsets if offset not in lost] for offsets in (rows, dead))
    assert held_rows == rows[: len(held_rows)]
    assert held_dead == dead[: len(held_dead)]
    last_row = max(held_rows, default=-1)
    assert not any(offset < last_row for offset in lost)


@pytest.mark.parametrize("point", ["after_fetch:10", "before_commit:2"])
def test_topic_recreated_in_the_middle_of_reading_is_refused(
    topics: Topics, job: Job, source: Source, point: str
) -> None:
    """What was fetched of the old one may be in the table, up to some offset; of the new one nothing is."""
    topic = topics.create()
    job.configure(topic, sink={"cut": {"age": "100ms"}})
    daemon = job.start(failpoint=f"{point}:stop")
    with source.steadily(topic, 50):
        daemon.wait_stopped()
    before = job.log.where(lambda _: True)
    topics.delete(topic)
    topics.create()
    source.produce(topic, 2 * len(before.entries))
    daemon.send(signal.SIGCONT)
    assert daemon.wait_exit() == 76
    assert topic in daemon.stderr
    _assert_beginning(job, before)


@pytest.mark.parametrize("grown", [False, True], ids=["shorter", "longer"])
def test_topic_recreated_under_a_running_daemon_is_refused(
    topics: Topics, job: Job, source: Source, *, grown: bool
) -> None:
    """Deleted and recreated within a moment, and even grown past our position: never read on silently."""
    topic = topics.create()
    source.produce(topic, 50)
    job.configure(topic)
    daemon = job.start()
    job.wait_visible()
    before = job.log.where(lambda _: True)
    topics.delete(topic)
    topics.create()
    source.produce(topic, 200 if grown else 20)
    assert daemon.wait_exit() == 76
    assert topic in daemon.stderr
    job.assert_exact(before)
