"""Producing to Kafka while writing the source log."""

from __future__ import annotations

import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from tests.broker.records import Record, records
from tests.broker.source_log import Position, SourceLog

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping


_PAUSE_SECONDS = 0.02


class Source:
    """A producer whose every acknowledged record is in `log`. Small batches, so that fetches hold many."""

    def __init__(self, bootstrap: str, log: SourceLog, *, settings: Mapping[str, str | int] | None = None) -> None:
        """`settings` are librdkafka's, such as `compression.codec` or `transactional.id`."""
        self.log = log
        self._failures: list[KafkaError] = []
        defaults = {"bootstrap.servers": bootstrap, "acks": "all", "enable.idempotence": True, "log_level": 0}
        defaults |= {"batch.num.messages": 50, "linger.ms": 5, "compression.codec": "none"}
        self.producer = Producer({**defaults, **(settings or {})})
        self._seed = 0

    def produce(self, topic: str, count: int, *, partitions: Iterable[int] = (0,)) -> list[Position]:
        """Send `count` records to every partition; returns their positions when all are acknowledged."""
        positions: list[Position] = []
        for partition in partitions:
            self._seed += 1
            for record in records(count, seed=self._seed * 1000 + partition):
                self.send(topic, partition, record, positions)
        self.flush()
        return positions

    @contextlib.contextmanager
    def steadily(self, topic: str, count: int, *, partitions: Iterable[int] = (0,)) -> Iterator[None]:
        """Produce `count` records to every partition again and again, in a thread, while the block runs."""
        ended, numbers = threading.Event(), tuple(partitions)

        def produce() -> None:
            while not ended.wait(_PAUSE_SECONDS):
                self.produce(topic, count, partitions=numbers)

        with ThreadPoolExecutor(1) as executor:
            producing = executor.submit(produce)
            try:
                yield
            finally:
                ended.set()
            producing.result()

    def send(
        self, topic: str, partition: int, record: Record, positions: list[Position], *, timestamp: int = 0
    ) -> None:
        """Queue one record; its position is appended once it is acknowledged."""
        done = self._recorder(record, positions)
        while True:
            try:
                self.producer.produce(
                    topic,
                    record.value,
                    record.key,
                    partition,
                    on_delivery=done,
                    timestamp=timestamp,
                    headers=[("trace", record.key), ("none", None)],
                )
            except BufferError:
                self.producer.poll(0.1)
            else:
                self.producer.poll(0)
                return

    def flush(self) -> None:
        """Return when everything is acknowledged."""
        left = self.producer.flush(60)
        if left or self._failures:
            raise RuntimeError(f"{left} records not acknowledged, failed: {self._failures[:3]}")

    @contextlib.contextmanager
    def transaction(self, *, abort: bool = False) -> Iterator[list[Position]]:
        """A transaction around the block; append the positions produced in it to the list that is yielded."""
        positions: list[Position] = []
        self.producer.begin_transaction()
        yield positions
        if abort:
            self.producer.abort_transaction(60)
            self.log.abort(positions)
        else:
            self.producer.commit_transaction(60)

    def _recorder(self, record: Record, positions: list[Position]) -> Callable[[KafkaError | None, Message], None]:
        def delivered(error: KafkaError | None, message: Message) -> None:
            if error is not None:
                self._failures.append(error)
                return
            topic, partition, offset = message.topic(), message.partition(), message.offset()
            if topic is None or partition is None or offset is None:
                raise KafkaException(KafkaError(KafkaError._FAIL))
            position = Position(topic, partition, offset)
            self.log.add(position, record, message.timestamp()[1])
            positions.append(position)

        return delivered
