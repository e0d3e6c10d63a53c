"""Raw batches of a compacted topic: offsets are missing in batches and between them, and whole batches are empty."""

from __future__ import annotations

import asyncio
import itertools
from typing import TYPE_CHECKING

import pytest
from confluent_kafka import Producer

from penstock.config.model import FETCH_BYTES
from tests.broker.process import wait_until
from tests.broker.raw_reading import RawReader, Row, read_with_librdkafka
from tests.broker.segments import StoredBatch, stored_batches

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.broker.cluster import KafkaCluster
    from tests.broker.raw_reading import Place
    from tests.broker.topics import Topics

_CODECS = ("none", "gzip", "snappy", "lz4", "zstd")
_TRANSACTIONS = len(_CODECS)
"""The partition that only transactions write to; those before it have a codec each."""

_KEYS = 300
_BATCH = 40
_CLEANED_SOON = {
    "cleanup.policy": "compact",
    "min.cleanable.dirty.ratio": "0.001",
    "segment.ms": "100",
    "max.compaction.lag.ms": "200",
}
_TRIES = 5


def _producer(topics: Topics, **settings: str) -> Producer:
    """With a producer id, whose last batch the cleaner keeps even if nothing is left in it."""
    wanted: dict[str, str | int] = {"bootstrap.servers": topics.cluster.bootstrap(), "enable.idempotence": "true"}
    wanted |= {"batch.num.messages": _BATCH, "linger.ms": 20, "log_level": 0}
    return Producer(wanted | settings)


def _write(producer: Producer, topic: str, partition: int, keys: Iterable[int], turn: int) -> None:
    for key in keys:
        value = None if key % 7 == 3 else b"turn %d, key %d " % (turn, key) * (key % 20)
        producer.produce(topic, value, b"%d" % key, partition, headers=[("turn", b"%d" % turn)])
    assert producer.flush(60) == 0


def _write_over(topics: Topics, topic: str) -> None:
    """Of a first producer's batches most lose records, two lose all, and so does the last, which is kept."""
    gone = {*range(80, 160), *range(250, _KEYS)}
    for partition, codec in enumerate(_CODECS):
        _write(_producer(topics, **{"compression.codec": codec}), topic, partition, range(_KEYS), 0)
        keys = [key for key in range(_KEYS) if key in gone or key % 3]
        _write(_producer(topics, **{"compression.codec": codec}), topic, partition, keys, 1)


def _write_transactions(topics: Topics, topic: str) -> None:
    """The same keys again and again; what is aborted is cleaned away, its marker is not."""
    producer = _producer(topics, **{"transactional.id": topics.prefix})
    producer.init_transactions(60)
    for turn in range(6):
        producer.begin_transaction()
        _write(producer, topic, _TRANSACTIONS, range(10 * turn, 10 * turn + _BATCH), turn)
        (producer.abort_transaction if turn % 2 else producer.commit_transaction)(60)


def _shapes(batches: list[StoredBatch]) -> set[str]:
    """What compaction made."""
    found = set()
    for batch in batches:
        if batch.records == 0:
            found.add("empty")
        elif batch.records < batch.span:
            found.add(f"holes {batch.codec}")
        if batch.delete_horizon:
            found.add("delete horizon")
    follows = itertools.pairwise(batches)
    return found | {"gap" for first, second in follows if first.offset + first.span < second.offset}


def _wait_compacted(kafka: KafkaCluster, topics: Topics, topic: str) -> None:
    """Only a new record closes the segment that is to be cleaned."""
    closing = _producer(topics)
    shapes: dict[int, set[str]] = {}

    def compacted() -> bool:
        for partition in range(_TRANSACTIONS + 1):
            try:
                stored = stored_batches(kafka.nodes[1].segment(topic, partition))
            except FileNotFoundError:
                return False  # The cleaner is putting another in its place.
            shapes[partition] = _shapes(stored)
            wanted = {"empty", "gap", "delete horizon", f"holes {partition % _TRANSACTIONS}"}
            if not wanted <= shapes[partition]:
                _write(closing, topic, partition, [_KEYS], 2)
        return all(len(found) >= 4 for found in shapes.values())

    wait_until(compacted, seconds=60, what=lambda: f"{topic} is compacted, not {shapes}")


@pytest.fixture
def compacted(kafka: KafkaCluster, topics: Topics) -> str:
    """A topic with a partition per codec, and one of transactions."""
    topic = topics.create(partitions=_TRANSACTIONS + 1, config=_CLEANED_SOON)
    _write_over(topics, topic)
    _write_transactions(topics, topic)
    _wait_compacted(kafka, topics, topic)
    return topic


async def _both(topics: Topics, topic: str, fetch_bytes: int) -> tuple[dict[Place, Row], dict[Place, Row]]:
    """Fast source and librdkafka, of the same log: the cleaner did nothing in between."""
    bootstrap, starts = topics.cluster.bootstrap(), dict.fromkeys(range(_TRANSACTIONS + 1), 0)
    for _ in range(_TRIES):
        before = await asyncio.to_thread(read_with_librdkafka, bootstrap, topic, starts)
        async with RawReader(bootstrap, topic, fetch_bytes=fetch_bytes) as reader:
            found = await reader.read_to_end()
        if before == await asyncio.to_thread(read_with_librdkafka, bootstrap, topic, starts):
            return found, before
    raise AssertionError("the cleaner does not come to rest")


async def test_a_compacted_topic(topics: Topics, compacted: str) -> None:
    """Rows are librdkafka's, many batches at once and one by one; also from offsets that are there no more."""
    for fetch_bytes in (FETCH_BYTES, 100):
        found, expected = await _both(topics, compacted, fetch_bytes)
        assert found == expected
    missing: dict[int, list[int]] = {}
    for partition in range(_TRANSACTIONS + 1):
        there = {offset for number, offset in expected if number == partition}
        missing[partition] = sorted(set(range(max(there))) - there)
    for share in (0, 0.25, 0.5, 0.75, 0.99):
        starts = {partition: offsets[int(share * len(offsets))] for partition, offsets in missing.items()}
        async with RawReader(topics.cluster.bootstrap(), compacted, starts=starts) as reader:
            found = await reader.read_to_end()
        assert found == {place: row for place, row in expected.items() if place[1] > starts[place[0]]}
