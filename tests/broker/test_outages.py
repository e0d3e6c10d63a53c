"""Brokers that crash, move or are not there."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.broker.cluster import KafkaCluster
    from tests.broker.daemon import Job
    from tests.broker.producing import Source
    from tests.broker.topics import Topics


def test_broker_crash_is_survived(kafka: KafkaCluster, topics: Topics, job: Job, source: Source) -> None:
    """After `kill -9` and a restart of the only broker the daemon reads on by itself."""
    topic = topics.create(partitions=2)
    source.produce(topic, 200, partitions=range(2))
    job.configure(topic)
    daemon = job.start()
    job.wait_visible()
    kafka.nodes[1].stop(signal.SIGKILL)
    kafka.nodes[1].restart()
    source.produce(topic, 200, partitions=range(2))
    job.wait_visible()
    assert daemon.terminate() == 0
    job.assert_exact()


def test_leader_failover_is_survived(kafka_three: KafkaCluster, topics: Topics, job: Job, source: Source) -> None:
    """A leader's `kill -9` moves its partitions; nothing acknowledged is lost or read twice."""
    topic = topics.create(partitions=3, replicas=3, config={"min.insync.replicas": "2"})
    source.produce(topic, 200, partitions=range(3))
    job.configure(topic)
    daemon = job.start()
    job.wait_visible()
    leader = topics.leaders(topic)[0]
    kafka_three.nodes[leader].stop(signal.SIGKILL)
    source.produce(topic, 200, partitions=range(3))
    job.wait_visible()
    assert topics.leaders(topic)[0] != leader
    kafka_three.nodes[leader].restart()
    source.produce(topic, 200, partitions=range(3))
    job.wait_visible()
    assert daemon.terminate() == 0
    job.assert_exact()


def test_unreachable_broker_ends_with_69(topics: Topics, job: Job) -> None:
    """A broker that is not there at the start is named."""
    nobody = "127.0.0.1:9"
    job.configure(topics.create(), source={"brokers": [nobody]})
    daemon = job.start()
    assert daemon.wait_exit() == 69
    assert nobody in daemon.stderr
