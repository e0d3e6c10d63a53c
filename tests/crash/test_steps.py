"""`kill -9` while a filter and a redaction run: each record has one fate, and that of the whole pipeline."""

from __future__ import annotations

import random
import signal
from typing import TYPE_CHECKING

import pytest

from penstock.failpoint import NAMES
from tests.broker.producing import Source
from tests.broker.records import FILTERED, STEPS, stepped
from tests.broker.source_log import data_files

if TYPE_CHECKING:
    from tests.broker.daemon import Job
    from tests.broker.topics import Topics

_CODECS = ("none", "zstd")
_SMALL = {"rows": 100, "age": "300ms"}
_LIVES = 8


@pytest.mark.parametrize("mode", ["auto", "records"])
@pytest.mark.parametrize("name", NAMES[:7])
def test_crash_at_a_step_of_delivery(topics: Topics, job: Job, source: Source, name: str, mode: str) -> None:
    """Every place that a commit passes, from fetched frames on; then every record has its one fate."""
    job.log.fate = stepped
    topic = topics.create(partitions=2)
    job.configure(topic, steps=STEPS, source={"fetch_mode": mode}, sink={"cut": _SMALL})
    source.produce(topic, 400, partitions=range(2))
    daemon = job.start(failpoint=f"{name}:2")
    daemon.wait_for_exit_or(job.complete)
    source.produce(topic, 200, partitions=range(2))
    assert daemon.wait_exit() == -signal.SIGKILL
    job.run_to_end()
    job.assert_exact()
    assert job.log.count(FILTERED) > 0


def test_random_kills(topics: Topics, job: Job) -> None:
    """Lives of a random number of commits, over batches of several codecs."""
    chance = random.Random(6)
    job.log.fate = stepped
    topic = topics.create(partitions=3)
    job.configure(
        topic, steps=STEPS, source={"session_timeout": "60s", "instance_id": "one"}, sink={"cut": {"age": "100ms"}}
    )
    sources = [Source(job.bootstrap, job.log, settings={"compression.codec": codec}) for codec in _CODECS]
    for number in range(_LIVES):
        sources[number % 2].produce(topic, chance.randrange(50, 400), partitions=range(3))
        wanted = len(data_files(job.table)) + chance.randrange(1, 5)
        daemon = job.start()
        daemon.wait_for_exit_or(lambda goal=wanted: len(data_files(job.table)) >= goal or job.complete())  # type: ignore[misc]
        daemon.kill()
    job.run_to_end()
    job.assert_exact()
    assert job.log.count(FILTERED) > 0
