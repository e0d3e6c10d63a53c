"""`kill -9` at moments nobody chose (fault matrix 10 and 30)."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from penstock.failpoint import NAMES
from tests.broker.source_log import data_files

if TYPE_CHECKING:
    from tests.broker.daemon import Job
    from tests.broker.producing import Source
    from tests.broker.topics import Topics

_QUICK = {"age": "100ms", "rows": 300}
_CYCLES = 20


@pytest.mark.timeout(300)
def test_random_kills_lose_nothing(topics: Topics, job: Job, source: Source) -> None:
    """Twenty lives of a static member, each killed a random number of commits after its start."""
    chance = random.Random(20)
    topic = topics.create(partitions=4)
    job.configure(topic, source={"session_timeout": "60s", "instance_id": "one"}, sink={"cut": _QUICK})
    for _ in range(_CYCLES):
        source.produce(topic, chance.randrange(50, 400), partitions=range(4))
        wanted = len(data_files(job.table)) + chance.randrange(1, 5)
        daemon = job.start()
        daemon.wait_for_exit_or(lambda goal=wanted: len(data_files(job.table)) >= goal or job.complete())  # type: ignore[misc]
        daemon.kill()
    job.run_to_end()
    job.assert_exact()


@pytest.mark.parametrize("name", ["", *NAMES[:7]])
def test_two_daemons_of_one_job(topics: Topics, job: Job, source: Source, name: str) -> None:
    """Two groups, so that both own every partition: each range has one winner, also when one crashes at a step."""
    topic = topics.create(partitions=2)
    ours = job.configure(topic, sink={"cut": _QUICK})
    theirs = job.configure(topic, file="other.toml", source={"group": f"{job.name}-other"}, sink={"cut": _QUICK})
    source.produce(topic, 300, partitions=range(2))
    first = job.start(pipeline=ours, failpoint=f"{name}:3" if name else "")
    second = job.start(pipeline=theirs)
    for _ in range(10):
        source.produce(topic, 100, partitions=range(2))
        job.wait_visible()
    if name:
        first.kill()
    else:
        assert first.terminate() == 0
    assert second.terminate() == 0
    job.run_to_end(ours)
    job.run_to_end(theirs)
    job.assert_exact()
