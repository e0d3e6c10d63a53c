"""The events of one size, made once for everybody: in a file, one per line, and in a topic of Kafka."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from confluent_kafka import KafkaError, Message, Producer

from bench.job import stream
from bench.reference import expected_table
from tests.broker.topics import Topics

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pyarrow as pa

    from bench.job import Size
    from tests.broker.cluster import KafkaCluster

PARTITIONS: Final = 4
_FLUSH_SECONDS: Final = 60
_PENDING_BYTES: Final = 256 << 20


@dataclass(frozen=True, slots=True)
class Feed:
    """What is read, and what must become of it."""

    file: Path
    brokers: str
    """Of the topic; empty: the events are only in the file."""
    topic: str
    records: int
    value_bytes: int
    expected: pa.Table


def make_feed(size: Size, records: int, directory: Path, cluster: KafkaCluster | None, *, name: str = "events") -> Feed:
    """Write the events; return when the broker has them all. Each feed of a size has another name."""
    file = directory / f"{name}.ndjson"
    topic = Topics(cluster, "bench").create(f"{size.profile}.{name}", partitions=PARTITIONS) if cluster else ""
    brokers = cluster.bootstrap() if cluster else ""
    producing = Producing(brokers, topic, size.codec) if cluster else None
    with file.open("wb") as out:
        for key, value in stream(size, records):
            out.write(value + b"\n")
            if producing:
                producing.send(key, value)
    if producing:
        producing.finish()
    expected = expected_table(_lines(file), size)
    return Feed(file, brokers, topic, records, file.stat().st_size - records, expected)


def _lines(file: Path) -> Iterator[bytes]:
    with file.open("rb") as lines:
        yield from lines


class Producing:
    """A producer as librdkafka comes, but for the codec; a lost record is an error."""

    def __init__(self, brokers: str, topic: str, codec: str) -> None:
        settings = {"bootstrap.servers": brokers, "compression.codec": codec, "enable.idempotence": True}
        limits = {"queue.buffering.max.messages": 0, "queue.buffering.max.kbytes": _PENDING_BYTES >> 10}
        self._producer = Producer(
            {**settings, **limits, "delivery.report.only.error": True, "log_level": 0, "on_delivery": self._failed}
        )
        self._topic = topic
        self._error: KafkaError | None = None

    def send(self, key: bytes | None, value: bytes, partition: int = -1) -> None:
        """Queue a record; without a partition its key decides."""
        while True:
            try:
                self._producer.produce(self._topic, value, key, partition)
            except BufferError:
                self._producer.poll(0.1)
            else:
                return

    def finish(self) -> None:
        """Return when the broker has everything. Raises `RuntimeError` if it refused something."""
        left = self._producer.flush(_FLUSH_SECONDS)
        if left or self._error:
            raise RuntimeError(f"Kafka did not take {left} events: {self._error}")

    def _failed(self, error: KafkaError | None, _message: Message) -> None:
        self._error = self._error or error
