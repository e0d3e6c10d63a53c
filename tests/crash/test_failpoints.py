"""`kill -9` at every step of delivery: after a restart the table has every record once (fault matrix 1 to 9)."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from penstock.failpoint import NAMES
from tests.broker.records import CHANGED_COLUMNS, CHANGED_DECODE

if TYPE_CHECKING:
    from tests.broker.daemon import Job
    from tests.broker.producing import Source
    from tests.broker.topics import Topics

_SMALL = {"rows": 100, "age": "300ms"}


@pytest.mark.parametrize(
    ("name", "passes"), [(name, passes) for name in NAMES for passes in ((1,) if name.endswith("_ack") else (1, 4))]
)
def test_crash_at_a_step_loses_nothing(topics: Topics, job: Job, source: Source, name: str, passes: int) -> None:
    """Killed at the first pass and at a later one, with committed files behind it."""
    topic = topics.create(partitions=3)
    job.configure(topic, sink={"cut": _SMALL})
    source.produce(topic, 150, partitions=range(3))
    daemon = job.start(failpoint=f"{name}:{passes}")
    produced = 0
    while daemon.running and produced < 30:
        produced += 1
        source.produce(topic, 40, partitions=range(3))
        daemon.wait_for_exit_or(job.complete)
    if daemon.running:  # Kafka hears of the table at most every few seconds, and at the end.
        daemon.send(signal.SIGTERM)
    assert daemon.wait_exit() == -signal.SIGKILL
    job.run_to_end()
    job.assert_exact()


@pytest.mark.parametrize("name", NAMES[:7])
def test_crash_then_other_verdicts(topics: Topics, job: Job, source: Source, name: str) -> None:
    """The pipeline changes after the crash, so that rows become dead letters: each record still has one place."""
    topic = topics.create(partitions=2)
    job.configure(topic, sink={"cut": _SMALL})
    source.produce(topic, 400, partitions=range(2))
    daemon = job.start(failpoint=f"{name}:2")
    daemon.wait_for_exit_or(job.complete)
    source.produce(topic, 200, partitions=range(2))
    assert daemon.wait_exit() == -signal.SIGKILL
    job.configure(topic, sink={"cut": _SMALL}, decode=CHANGED_DECODE | {"columns": CHANGED_COLUMNS})
    job.run_to_end()
    job.assert_exact(changed=True)


@pytest.mark.parametrize("back", [False, True], ids=["once", "and-back"])
def test_crash_between_the_two_tables_then_other_verdicts(
    topics: Topics, job: Job, source: Source, *, back: bool
) -> None:
    """Dead letters committed, rows not; killed at the same place under the new pipeline, and (back) the old again."""
    topic = topics.create()
    plans = [
        job.configure(topic, file="old.toml", sink={"cut": _SMALL}),
        job.configure(
            topic,
            file="new.toml",
            sink={"cut": {"rows": 130, "age": "300ms"}},
            decode=CHANGED_DECODE | {"columns": CHANGED_COLUMNS},
        ),
    ]
    source.produce(topic, 300)
    runs = 3 if back else 2
    for run in range(runs):
        # Two files are committed per cut, dead letters first: an odd pass leaves them one ahead.
        daemon = job.start(pipeline=plans[run % 2], failpoint="after_commit:1")
        daemon.wait_for_exit_or(lambda: False)
        assert daemon.wait_exit() == -signal.SIGKILL
    job.run_to_end(plans[runs % 2])
    job.assert_exact(changed=True)
