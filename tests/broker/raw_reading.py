"""A topic read through the fast source, and by librdkafka, as the same kind of rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Self

from confluent_kafka import Consumer, KafkaError, TopicPartition

from penstock._native import read_batches
from penstock.batch import RawFrame
from penstock.config.kafka import KafkaSource as Config
from penstock.config.model import FETCH_BYTES
from penstock.source.kafka import KafkaSource
from penstock.telemetry.metrics import Metrics

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from penstock.batch import Partition, RawBatch

_EMPTY_POLLS = 50
Place = tuple[int, int]
"""Partition and offset."""


class Row(NamedTuple):
    """What producers and broker made of one record."""

    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]


class RawReader:
    """The owner of a fast source of one topic, which it reads from `starts` on, else from the beginning."""

    def __init__(
        self,
        bootstrap: str,
        topic: str,
        *,
        starts: Mapping[int, int] | None = None,
        fetch_bytes: int = FETCH_BYTES,
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        """`settings` are those of `[source]`."""
        self.metrics = Metrics()
        config = Config.model_validate(
            {
                "brokers": bootstrap.split(","),
                "topics": [topic],
                "group": "raw",
                "fetch_mode": "fast",
                **(settings or {}),
            },
            strict=False,
        )
        self.source = KafkaSource(config, self.metrics, group=False, fetch_bytes=fetch_bytes)
        self.rows: dict[Place, Row] = {}
        self.cursors: dict[Partition, int] = {}
        self._starts = starts or {}

    async def __aenter__(self) -> Self:
        """Connected, with every partition sought."""
        await self.source.connect()
        await self.source.join(self)
        while not self.cursors:
            await self.step()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stopped, whatever happened."""
        assert await self.source.stop()

    def assigned(self, partitions: Sequence[Partition]) -> None:
        """See `Owner`."""
        for partition in partitions:
            self.cursors[partition] = self._starts.get(partition.number, 0)
            assert self.source.seek(partition, self.cursors[partition], 1)

    async def revoked(self, partitions: Sequence[Partition]) -> None:
        """Never: there is no group."""

    async def step(self) -> int:
        """Take what one poll brings; how many rows that is."""
        found = 0
        for batch in await self.source.poll(0.2):
            assert batch.fetch_offset == self.cursors[batch.partition]
            self.cursors[batch.partition] = batch.next_offset
            rows = _rows(batch)
            assert not rows.keys() & self.rows.keys(), "a record came twice"
            self.rows |= rows
            found += len(rows)
        return found

    async def read_to_end(self) -> dict[Place, Row]:
        """All rows up to the ends as they are now."""
        ends = {partition: high for partition, (_, high) in (await self.source.bounds(list(self.cursors))).items()}
        idle = 0
        while any(self.cursors[partition] < end for partition, end in ends.items()):
            idle = 0 if await self.step() else idle + 1
            assert idle < _EMPTY_POLLS, f"stands still at {self.cursors}, ends are {ends}"
        return self.rows


def _rows(batch: RawBatch) -> dict[Place, Row]:
    frame = batch.records
    assert isinstance(frame, RawFrame)
    assert frame.data.readonly
    (records,) = read_batches([(frame.data, batch.fetch_offset, frame.aborted, frame.read_committed)], 1)
    assert records.fault is None
    assert records.count <= frame.records
    assert records.next_offset == batch.next_offset
    found = records.columns()
    columns = zip(found["timestamps"], found["keys"], found["values"], map(_headers, found["headers"]), strict=True)
    return {(batch.partition.number, offset): Row(*row) for offset, row in zip(found["offsets"], columns, strict=True)}


def _headers(found: Any) -> tuple[tuple[str, bytes | None], ...]:
    return tuple((key.decode(), value) for key, value in found or ())


def read_with_librdkafka(bootstrap: str, topic: str, starts: Mapping[int, int]) -> dict[Place, Row]:
    """All rows from `starts` (of every partition) up to the ends as they are now."""
    settings = {"bootstrap.servers": bootstrap, "group.id": "oracle", "enable.partition.eof": True, "log_level": 0}
    settings |= {"isolation.level": "read_committed", "enable.auto.commit": False, "auto.offset.reset": "error"}
    consumer = Consumer(settings)
    consumer.assign([TopicPartition(topic, partition, offset) for partition, offset in starts.items()])
    rows: dict[Place, Row] = {}
    ended: set[int | None] = set()
    while len(ended) < len(starts):
        message = consumer.poll(10)
        assert message is not None
        error = message.error()
        if error is not None:
            assert error.code() == KafkaError._PARTITION_EOF, error
            ended.add(message.partition())
            continue
        headers: Any = message.headers() or ()
        place = (message.partition() or 0, message.offset() or 0)
        rows[place] = Row(message.timestamp()[1], message.key(), message.value(), tuple(headers))
    consumer.close()
    return rows
