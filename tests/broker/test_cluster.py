"""The broker fixture itself: what the other tests lean on."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

from confluent_kafka import Producer

if TYPE_CHECKING:
    from tests.broker.cluster import KafkaCluster
    from tests.broker.topics import Topics


def test_records_survive_a_crash_of_the_broker(kafka: KafkaCluster, topics: Topics) -> None:
    """What was acknowledged before `kill -9` is there after the restart."""
    topic = topics.create(partitions=2)
    producer = Producer({"bootstrap.servers": kafka.bootstrap(), "acks": "all"})
    for number in range(10):
        producer.produce(topic, b"x", partition=number % 2)
    assert producer.flush(30) == 0
    node = kafka.nodes[1]
    node.stop(signal.SIGKILL)
    assert not node.running
    node.restart()
    kafka.wait_members(1)
    assert [topics.end(topic, partition) for partition in range(2)] == [5, 5]
