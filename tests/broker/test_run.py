"""`penstock run` as a process: how it ends, and what it refuses."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

from tests.broker.records import COLUMNS, ROW
from tests.broker.source_log import data_files

if TYPE_CHECKING:
    from tests.broker.cluster import KafkaCluster
    from tests.broker.daemon import Job
    from tests.broker.producing import Source
    from tests.broker.topics import Topics

_NEVER = {"age": "1h", "bytes": "1GiB"}


def test_sigterm_commits_what_was_read(topics: Topics, job: Job, source: Source) -> None:
    """A termination commits open files first: no cut was due for partition 0, and its rows are there."""
    topic = topics.create(partitions=2)
    source.produce(topic, 100, partitions=[0])
    source.produce(topic, 1000, partitions=[1])
    job.configure(topic, sink={"cut": _NEVER | {"rows": 500}})
    daemon = job.start()
    job.wait_visible(500)
    assert daemon.terminate() == 0
    job.assert_exact()
    assert topics.committed(job.name) == {(topic, 0): 100, (topic, 1): 1000}


def test_second_sigterm_ends_at_once(kafka: KafkaCluster, topics: Topics, job: Job, source: Source) -> None:
    """With a broker that does not answer a drain takes its time; a second SIGTERM cuts it short without loss."""
    topic = topics.create()
    source.produce(topic, 100)
    job.configure(topic, pipeline={"shutdown_grace": "10m"})
    daemon = job.start()
    job.wait_visible()
    node = kafka.nodes[1]
    node.send(signal.SIGSTOP)
    try:
        daemon.send(signal.SIGTERM)
        daemon.wait_logged("SIGTERM")
        daemon.send(signal.SIGTERM)
        daemon.wait_exit(20)
    finally:
        node.send(signal.SIGCONT)
    job.run_to_end()
    job.assert_exact()


def test_all_brokers_down_at_sigterm(kafka: KafkaCluster, topics: Topics, job: Job, source: Source) -> None:
    """With no broker left a termination still ends within its grace, and what was read is committed."""
    topic = topics.create()
    source.produce(topic, 100)
    job.configure(topic, pipeline={"shutdown_grace": "15s"})
    daemon = job.start()
    job.wait_visible()
    kafka.nodes[1].stop(signal.SIGKILL)
    try:
        daemon.send(signal.SIGTERM)
        daemon.wait_exit(40)
    finally:
        kafka.nodes[1].restart()
    job.run_to_end()
    job.assert_exact()


def test_until_end_stops_at_the_end_of_every_partition(topics: Topics, job: Job, source: Source) -> None:
    """An empty partition is at its end already; a second run has nothing to do and adds nothing."""
    topic = topics.create(partitions=3)
    source.produce(topic, 100, partitions=[0, 2])
    job.configure(topic, sink={"cut": _NEVER})
    assert job.run_to_end()["records"] == 200
    files = data_files(job.table)
    assert job.run_to_end()["records"] == 0
    assert data_files(job.table) == files
    job.assert_exact()


def test_max_records_stops_early_and_the_next_run_goes_on(topics: Topics, job: Job, source: Source) -> None:
    """`--max-records` counts decoded records; what it left is read by the next run."""
    topic = topics.create()
    source.produce(topic, 20_000)
    job.configure(topic)
    daemon = job.start("--max-records", "100", "--output", "json")
    assert daemon.wait_exit() == 0
    assert 100 <= daemon.summary()["records"] < 20_000
    rest = 20_000 - daemon.summary()["records"]
    assert job.run_to_end()["records"] == rest
    job.assert_exact()


def test_dry_run_shows_rows_and_leaves_nothing(topics: Topics, job: Job, source: Source) -> None:
    """`--dry-run` prints rows, joins no group and writes no table."""
    topic = topics.create()
    source.produce(topic, 100)
    job.configure(topic)
    daemon = job.start("--dry-run", "--until-end", "--output", "json")
    assert daemon.wait_exit() == 0
    first = next(record for record in job.log.entries.values() if record.verdict == ROW)
    assert first.key is not None
    assert first.key.decode() in daemon.stdout
    assert topics.committed(job.name) == {}
    assert not job.table.exists()
    assert not job.dead_letters.exists()


def test_another_jobs_table_is_refused(topics: Topics, job: Job, source: Source) -> None:
    """A table belongs to the job that made it; another name on the same path ends with 78 and changes nothing."""
    topic = topics.create()
    source.produce(topic, 100)
    job.configure(topic)
    job.run_to_end()
    job.configure(topic, pipeline={"name": "stranger"})
    daemon = job.start("--until-end")
    assert daemon.wait_exit() == 78
    assert str(job.table) in daemon.stderr
    job.assert_exact()


def test_other_columns_are_refused(topics: Topics, job: Job, source: Source) -> None:
    """A pipeline whose columns differ from the directory's schema ends with 78, the column named."""
    topic = topics.create()
    source.produce(topic, 100)
    job.configure(topic)
    job.run_to_end()
    job.configure(topic, decode={"columns": COLUMNS | {"region": "string"}})
    daemon = job.start("--until-end")
    assert daemon.wait_exit() == 78
    assert "region" in daemon.stderr
    job.assert_exact()


def test_unwritable_path_ends_with_69(topics: Topics, job: Job) -> None:
    """A sink path below a file can't be made; it is named."""
    (job.directory / "file").write_text("in the way")
    job.configure(topics.create(), sink={"path": str(job.directory / "file" / "table")})
    daemon = job.start()
    assert daemon.wait_exit() == 69
    assert str(job.directory / "file") in daemon.stderr


def test_dead_letter_limit_ends_with_65(topics: Topics, job: Job, source: Source) -> None:
    """Where too many records are rejected the pipeline is probably wrong: 65, and what was read is safe."""
    topic = topics.create()
    source.produce(topic, 5000)
    job.configure(topic, dead_letter={"limit": {"ratio": 0.01, "run": 1000}})
    daemon = job.start("--until-end")
    assert daemon.wait_exit() == 65
    job.configure(topic)
    job.run_to_end()
    job.assert_exact()
