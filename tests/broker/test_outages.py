"""Brokers that crash, move or are not there."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING

from tests.broker.producing import Source
from tests.broker.raw_reading import RawReader, read_with_librdkafka
from tests.broker.source_log import SourceLog

if TYPE_CHECKING:
    from tests.broker.cluster import KafkaCluster
    from tests.broker.daemon import Job
    from tests.broker.topics import Topics

_BACKLOG = 3000


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


async def test_leader_dies_while_raw_batches_are_read(kafka_three: KafkaCluster, topics: Topics) -> None:
    """In the middle of a backlog: another broker goes on with it, every row once."""
    bootstrap, partitions = kafka_three.bootstrap(), range(3)
    topic = topics.create(partitions=len(partitions), replicas=3, config={"min.insync.replicas": "2"})
    Source(bootstrap, SourceLog()).produce(topic, _BACKLOG, partitions=partitions)
    leader = topics.leaders(topic)[0]
    async with RawReader(bootstrap, topic, fetch_bytes=20_000) as reader:
        while not any(number == 0 for number, _ in reader.rows):
            await reader.step()
        await asyncio.to_thread(kafka_three.nodes[leader].stop, signal.SIGKILL)
        read = sum(number == 0 for number, _ in reader.rows)
        assert read < _BACKLOG
        while len(reader.rows) < _BACKLOG * len(partitions):
            await reader.step()
        assert topics.leaders(topic)[0] != leader
        expected = await asyncio.to_thread(read_with_librdkafka, bootstrap, topic, dict.fromkeys(partitions, 0))
        assert await reader.read_to_end() == expected
    await asyncio.to_thread(kafka_three.nodes[leader].restart)
    await asyncio.to_thread(kafka_three.wait_members, len(kafka_three.nodes))


def test_unreachable_broker_ends_with_69(topics: Topics, job: Job) -> None:
    """A broker that is not there at the start is named."""
    nobody = "127.0.0.1:9"
    job.configure(topics.create(), source={"brokers": [nobody]})
    daemon = job.start()
    assert daemon.wait_exit() == 69
    assert nobody in daemon.stderr
