from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from penstock.demo.broker import PARTITION_LOG_BYTES, EmbeddedBroker
from penstock.demo.events import Event, events
from penstock.demo.producer import UNCOMMITTED_BYTES, EventProducer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

PARTITIONS = 3


@pytest.fixture
def broker() -> Iterator[EmbeddedBroker]:
    with EmbeddedBroker() as broker:
        broker.create_topic("events", PARTITIONS)
        yield broker


@pytest.fixture
def producer(broker: EmbeddedBroker) -> Iterator[EventProducer]:
    producer = EventProducer(broker.bootstrap, "events", PARTITIONS)
    yield producer
    producer.close()


@pytest.fixture
async def reader(broker: EmbeddedBroker) -> AsyncIterator[Any]:
    """A consumer at the beginning of every partition."""
    consumer: Any = AIOKafkaConsumer(
        bootstrap_servers=broker.bootstrap,
        auto_offset_reset="none",
        fetch_max_wait_ms=20,
        max_partition_fetch_bytes=PARTITION_LOG_BYTES,
    )
    await consumer.start()
    partitions = [TopicPartition("events", number) for number in range(PARTITIONS)]
    consumer.assign(partitions)
    for partition in partitions:
        consumer.seek(partition, 0)
    yield consumer
    await consumer.stop()


async def _read(reader: Any, count: int) -> list[tuple[int, int, bytes | None, bytes | None]]:
    found: list[tuple[int, int, bytes | None, bytes | None]] = []
    while len(found) < count:
        for records in (await reader.getmany(timeout_ms=500)).values():
            found += [(record.partition, record.offset, record.key, record.value) for record in records]
    return found


def _fill(producer: EventProducer, event: Event) -> int:
    """Send until there is no room; how many that were."""
    sent = 0
    while producer.send(event):
        sent += 1
    return sent


async def test_everything_sent_arrives_once_and_in_order(producer: EventProducer, reader: Any) -> None:
    """Values, keys and tombstones, byte for byte."""
    sent = list(events("340", 3000, 1, tombstones=0.1))
    assert all(producer.send(event) for event in sent)
    producer.flush()
    found = await _read(reader, len(sent))
    assert Counter((key, value) for *_, key, value in found) == Counter((event.key, event.value) for event in sent)
    order = {event.value: number for number, event in enumerate(sent)}
    for number in range(PARTITIONS):
        part = sorted((offset, order[value]) for partition, offset, _, value in found if partition == number and value)
        assert part == sorted(part, key=lambda pair: pair[1])
    assert producer.sent == 3000
    assert producer.sent_bytes == sum(len(event.value) for event in sent if event.value)


async def test_one_key_stays_in_one_partition(producer: EventProducer, reader: Any) -> None:
    """And events without a key go round."""
    for event in events("340", 3000, 1):
        assert producer.send(event)
    producer.flush()
    places: dict[bytes | None, set[int]] = {}
    for partition, _, key, _ in await _read(reader, 3000):
        places.setdefault(key, set()).add(partition)
    assert places.pop(None) == set(range(PARTITIONS))
    assert all(len(partitions) == 1 for partitions in places.values())


def test_it_stops_before_the_broker_would_drop_anything(producer: EventProducer) -> None:
    """Sending waits for room, and room comes only from commits."""
    event = Event(b"one key", b"x" * 10_000, "row", None)
    sent = _fill(producer, event)
    assert sent == UNCOMMITTED_BYTES // (10_000 + len(b"one key") + 32)
    assert sent * 10_000 < PARTITION_LOG_BYTES
    producer.flush()
    assert not producer.send(event)


def test_commits_make_room(producer: EventProducer) -> None:
    """As much as was committed, no more, also when told twice."""
    event = Event(b"one key", b"x" * 10_000, "row", None)
    sent = _fill(producer, event)
    partition = next(number for number, size in enumerate(producer.uncommitted) if size)
    producer.committed({partition: 100})
    producer.committed({partition: 100})
    assert producer.lag == sent - 100
    assert _fill(producer, event) == 100
    producer.committed({partition: sent + 100})
    assert producer.lag == 0


def test_an_event_larger_than_the_room_is_sent_alone(broker: EmbeddedBroker) -> None:
    """It would never be sent otherwise."""
    producer = EventProducer(broker.bootstrap, "events", 1, uncommitted_bytes=1000)
    event = Event(None, b"x" * 5000, "row", None)
    assert _fill(producer, event) == 1
    producer.committed({0: 1})
    assert producer.send(event)
    producer.flush()
    producer.close()


async def test_a_stream_larger_than_the_broker_arrives_whole(producer: EventProducer, reader: Any) -> None:
    """Three times what the broker keeps, committed as it is read."""
    total = 3 * PARTITIONS * PARTITION_LOG_BYTES // 20_000
    read = 0
    positions: dict[int, int] = {}
    for _ in range(total):
        while not producer.send(Event(None, b"x" * 20_000, "row", None)):
            for partition, offset, _, _ in await _read(reader, 1):
                assert offset == positions.get(partition, 0)
                positions[partition] = offset + 1
                read += 1
            producer.committed(positions)
    producer.flush()
    read += len(await _read(reader, total - read))
    assert read == total
