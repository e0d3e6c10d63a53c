"""Where reading starts: the table's own record rules, Kafka's group offsets are for looking at."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pyarrow.parquet as pq

from tests.broker.records import records
from tests.broker.source_log import Position, data_files

if TYPE_CHECKING:
    from tests.broker.daemon import Job
    from tests.broker.producing import Source
    from tests.broker.topics import Topics


def test_latest_starts_at_the_end(topics: Topics, job: Job, source: Source) -> None:
    """With `latest` only what comes after the first start is read, also by a restart before anything came."""
    topic = topics.create(partitions=2)
    old = set(source.produce(topic, 50, partitions=range(2)))
    job.configure(topic, source={"start": "latest"})
    job.run_to_end()
    source.produce(topic, 50, partitions=range(2))
    job.run_to_end()
    job.assert_exact(job.log.where(lambda position: position not in old))


def test_time_starts_at_the_first_record_from_then_on(topics: Topics, job: Job, source: Source) -> None:
    """An RFC 3339 start is found by record timestamps, per partition."""
    topic = topics.create(partitions=2, config={"retention.ms": "-1"})
    moment = 1_767_225_600_000  # 2026-01-01T00:00:00Z
    early: list[Position] = []
    late: list[Position] = []
    for partition in range(2):
        for number, record in enumerate(records(60, seed=partition)):
            is_late = number >= 20 + partition
            stamp = moment + number - 20 - partition
            source.send(topic, partition, record, late if is_late else early, timestamp=stamp)
    source.flush()
    job.configure(topic, source={"start": "2026-01-01T00:00:00Z"})
    job.run_to_end()
    wanted = set(late)
    job.assert_exact(job.log.where(lambda position: position in wanted))


def test_group_start_takes_over_committed_offsets(topics: Topics, job: Job, source: Source) -> None:
    """With `group` a new table begins at the group's offsets, and only a new one."""
    topic = topics.create(partitions=2)
    source.produce(topic, 100, partitions=range(2))
    topics.commit(job.name, topic, {0: 30, 1: 70})
    job.configure(topic, source={"start": "group"})
    job.run_to_end()
    job.assert_exact(job.log.where(lambda p: p.offset >= (30, 70)[p.partition]))


def test_reset_group_offsets_are_ignored(topics: Topics, job: Job, source: Source) -> None:
    """Offsets moved back or forth by hand, and a deleted group, change nothing: nothing is lost or read twice."""
    topic = topics.create(partitions=2)
    source.produce(topic, 100, partitions=range(2))
    job.configure(topic)
    job.run_to_end()
    topics.commit(job.name, topic, {0: 3, 1: 100_000})
    source.produce(topic, 100, partitions=range(2))
    job.run_to_end()
    topics.delete_group(job.name)
    source.produce(topic, 50, partitions=range(2))
    job.run_to_end()
    job.assert_exact()


def test_group_offsets_follow_the_table(topics: Topics, job: Job, source: Source) -> None:
    """At the end Kafka's committed offsets are the table's positions, for lag tools."""
    topic = topics.create(partitions=2)
    source.produce(topic, 100, partitions=range(2))
    job.configure(topic)
    job.run_to_end()
    assert topics.committed(job.name) == {(topic, 0): 100, (topic, 1): 100}


def test_retention_gap_stops_the_job(topics: Topics, job: Job, source: Source) -> None:
    """Records that were deleted before they were read stop the job, with the partition and both offsets named."""
    topic = topics.create()
    source.produce(topic, 100)
    job.configure(topic)
    job.run_to_end()
    before = job.log.where(lambda _: True)
    source.produce(topic, 100)
    topics.delete_records(topic, 0, 150)
    daemon = job.start("--until-end")
    assert daemon.wait_exit() == 76
    assert f"{topic}-0" in daemon.stderr
    assert "100" in daemon.stderr
    assert "149" in daemon.stderr
    job.assert_exact(before)


def test_retention_gap_can_be_recorded(topics: Topics, job: Job, source: Source) -> None:
    """With `on_gap = "record"` the job goes on behind the gap, which is in the next file's footer."""
    topic = topics.create()
    source.produce(topic, 100)
    job.configure(topic, source={"on_gap": "record"})
    job.run_to_end()
    source.produce(topic, 100)
    topics.delete_records(topic, 0, 150)
    job.run_to_end()
    job.assert_exact(job.log.where(lambda p: not 100 <= p.offset < 150))
    footers = [pq.read_metadata(path).metadata for path in data_files(job.table)]
    gaps = [json.loads(footer[b"penstock.gaps"]) for footer in footers]
    assert [gap for gap in gaps if gap] == [[[100, 150]]]


def test_missing_table_is_not_begun_anew(topics: Topics, job: Job, source: Source) -> None:
    """Where the group's offset says that the table had a position and the files are gone, the job stops: 76."""
    topic = topics.create()
    source.produce(topic, 100)
    job.configure(topic)
    job.run_to_end()
    for path in data_files(job.table):
        path.unlink()
    daemon = job.start("--until-end")
    assert daemon.wait_exit() == 76
    assert str(job.table) in daemon.stderr
    assert data_files(job.table) == []
