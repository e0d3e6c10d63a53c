"""Several members of one group: partitions change hands, rows do not come twice."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from tests.broker.scraping import TELEMETRY, Telemetry
from tests.broker.source_log import data_files

if TYPE_CHECKING:
    from tests.broker.daemon import Job
    from tests.broker.producing import Source
    from tests.broker.topics import Topics


@pytest.mark.parametrize("leaving", [signal.SIGTERM, signal.SIGKILL])
def test_second_member_joins_and_leaves(topics: Topics, job: Job, source: Source, leaving: signal.Signals) -> None:
    """Raw batches go on being read while a member joins, both work, and it leaves, in order or not."""
    topic = topics.create(partitions=4)
    job.configure(topic, sink={"cut": {"age": "300ms"}}, telemetry=TELEMETRY)
    first = job.start()
    with source.steadily(topic, 10, partitions=range(4)):
        job.wait_visible(1)
        second = job.start()
        second.wait_for(lambda: topics.members(job.name) == 2, "both members have partitions")
        told = [Telemetry(daemon) for daemon in (first, second)]
        for each in told:
            each.wait_more(each.total("penstock_rows_total", stage="commit"), "penstock_rows_total", stage="commit")
            assert each.total("penstock_fetch_fast") == 1
        second.send(leaving)
        assert second.wait_exit() == (0 if leaving == signal.SIGTERM else -leaving)
        first.wait_for(lambda: told[0].total("penstock_assigned_partitions") == 4, "the first has all partitions")
    job.wait_visible()
    assert first.terminate() == 0
    job.assert_exact()


def test_static_member_takes_up_its_partitions_after_a_crash(topics: Topics, job: Job, source: Source) -> None:
    """With `instance_id` a killed member comes back within a long session timeout, to the same partitions."""
    topic = topics.create(partitions=2)
    changes = {"session_timeout": "30s", "instance_id": "one"}
    job.configure(topic, source=changes)
    source.produce(topic, 100, partitions=range(2))
    daemon = job.start()
    job.wait_visible()
    daemon.kill()
    source.produce(topic, 100, partitions=range(2))
    daemon = job.start()
    job.wait_visible(seconds=20)
    daemon.terminate()
    job.assert_exact()


@pytest.mark.parametrize("point", ["", "after_fetch", "after_cut", "mid_file_write", "before_commit", "during_commit"])
def test_stopped_member_that_wakes_up_late_adds_nothing(topics: Topics, job: Job, source: Source, point: str) -> None:
    """A member stopped past its session timeout, at any step, finds its partitions committed by another."""
    topic = topics.create(partitions=2)
    job.configure(topic, sink={"cut": {"age": "300ms"}})
    sleeper = job.start(failpoint=f"{point}:1:stop" if point else "")
    source.produce(topic, 200, partitions=range(2))
    if point:
        sleeper.wait_stopped()
    else:
        job.wait_visible()
        sleeper.send(signal.SIGSTOP)
    other = job.start()
    source.produce(topic, 200, partitions=range(2))
    job.wait_visible()
    taken = len(data_files(job.table))
    sleeper.send(signal.SIGCONT)
    source.produce(topic, 200, partitions=range(2))
    job.wait_visible()
    assert len(data_files(job.table)) > taken
    assert sleeper.terminate() == 0
    assert other.terminate() == 0
    job.assert_exact()
