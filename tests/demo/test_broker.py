from __future__ import annotations

import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.structs import OffsetAndMetadata
from confluent_kafka import Producer

from penstock.demo.broker import EmbeddedBroker
from penstock.errors import ConfigError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def broker() -> Iterator[EmbeddedBroker]:
    with EmbeddedBroker() as broker:
        yield broker


def _consumer(broker: EmbeddedBroker, *topics: str) -> Any:
    return AIOKafkaConsumer(
        *topics,
        bootstrap_servers=broker.bootstrap,
        group_id="readers",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=20,
    )


def _held() -> tuple[int, ...]:
    """Threads and open files of this process."""
    return tuple(len(list(Path("/proc/self", kind).iterdir())) for kind in ("task", "fd"))


def _produce(broker: EmbeddedBroker, count: int) -> None:
    producer = Producer({"bootstrap.servers": broker.bootstrap, "log_level": 0})
    for number in range(count):
        producer.produce("events", b"%d" % number, partition=number % 2)
    assert producer.flush(10) == 0


async def _read(consumer: Any, count: int) -> list[int]:
    found: list[int] = []
    while len(found) < count:
        for records in (await consumer.getmany(timeout_ms=500)).values():
            found += [int(record.value) for record in records]
    return sorted(found)


async def test_a_group_reads_what_was_produced(broker: EmbeddedBroker) -> None:
    """Through aiokafka, as the pipeline does."""
    broker.create_topic("events", 2)
    _produce(broker, 1000)
    consumer = _consumer(broker, "events")
    await consumer.start()
    try:
        assert await _read(consumer, 1000) == list(range(1000))
    finally:
        await consumer.stop()


async def test_commits_are_kept_with_their_metadata(broker: EmbeddedBroker) -> None:
    """The acknowledgement of a commit carries the table's id."""
    broker.create_topic("events", 2)
    _produce(broker, 10)
    partition = TopicPartition("events", 0)
    consumer = _consumer(broker, "events")
    await consumer.start()
    try:
        await _read(consumer, 10)
        await consumer.commit({partition: OffsetAndMetadata(5, "table,commit")})
    finally:
        await consumer.stop()
    later = _consumer(broker)
    await later.start()
    later.assign([partition])
    try:
        assert await later.committed(partition) == 5
    finally:
        await later.stop()


def test_it_listens_on_loopback_only(broker: EmbeddedBroker) -> None:
    """Nobody else can reach a demo."""
    host, port = broker.bootstrap.split(":")
    assert host == "127.0.0.1"
    listening = [line.split()[1] for line in Path("/proc/net/tcp").read_text().splitlines() if line.split()[3] == "0A"]
    assert f"0100007F:{int(port):04X}" in listening
    assert f"00000000:{int(port):04X}" not in listening


def test_closing_frees_everything() -> None:
    """Threads, sockets and the port; a second close does nothing."""
    EmbeddedBroker().close()  # what librdkafka keeps for the process is there now
    before = _held()
    for _ in range(5):
        with EmbeddedBroker() as broker:
            broker.create_topic("events", 4)
        broker.close()
    assert _held() == before
    host, port = broker.bootstrap.split(":")
    with socket.socket() as client:
        assert client.connect_ex((host, int(port))) != 0


def test_two_brokers_stand_side_by_side(broker: EmbeddedBroker) -> None:
    """Each on its own port."""
    with EmbeddedBroker() as other:
        assert other.bootstrap != broker.bootstrap


def test_a_topic_is_made_once(broker: EmbeddedBroker) -> None:
    """And the error names it."""
    broker.create_topic("events", 1)
    with pytest.raises(UnavailableError, match="'events'"):
        broker.create_topic("events", 1)


def test_a_closed_broker_makes_no_topic() -> None:
    """It says so instead of crashing the process."""
    broker = EmbeddedBroker()
    broker.close()
    with pytest.raises(UnavailableError, match="closed"):
        broker.create_topic("events", 1)


def test_without_confluent_kafka_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """The demo is an extra."""
    monkeypatch.setitem(sys.modules, "confluent_kafka", None)
    with pytest.raises(ConfigError, match=r"pip install \"penstock\[demo\]\""):
        EmbeddedBroker()
