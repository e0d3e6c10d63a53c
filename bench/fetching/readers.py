"""The ways to read that are compared. Each reads every partition of a ring, in order, all by one consumer."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from aiokafka import AIOKafkaConsumer, TopicPartition

    from bench.fetching.ring import Ring
    from penstock._native import Records

_WAIT_SECONDS: Final = 1.0
_CONFLUENT_RECORDS: Final = 1000
_POOL_BYTES: Final = 128 << 20
_COMMITTED: Final = {"isolation_level": "read_committed"}


class Reader(Protocol):
    """One consumer. What the last `fetch` brought is there until the next one."""

    async def start(self) -> None:
        """Connect, and stand at the beginning of every partition."""

    async def fetch(self) -> None:
        """Wait for more."""

    def positions(self) -> Iterable[tuple[int, int]]:
        """Partition and next offset, of the partitions that the last `fetch` brought something of."""

    def rewind(self, partition: int) -> None:
        """Read `partition` again from its beginning."""

    async def read(self) -> int:
        """Make of the last `fetch` what this mode makes of it; how many records it is."""

    def values(self) -> Iterable[tuple[int, bytes]]:
        """Partition and value of each record that the last `fetch` brought, in order. Takes its time."""

    async def stop(self) -> None:
        """Close the connections."""


class _Aiokafka:
    """Over aiokafka: a partition's part of an answer is a list of whatever the consumer makes of it."""

    _fetched: Mapping[TopicPartition, Sequence[Any]]

    def __init__(self, ring: Ring, _settings: Mapping[str, Any]) -> None:
        from aiokafka import TopicPartition  # noqa: PLC0415 - start-up is measured: each imports what it needs

        self._partitions = [TopicPartition(ring.topic, number) for number in range(len(ring.partitions))]
        self._brokers = ring.brokers
        self._consumer: AIOKafkaConsumer

    def _make_consumer(self) -> AIOKafkaConsumer:
        raise NotImplementedError

    async def start(self) -> None:
        self._consumer = self._make_consumer()
        await self._consumer.start()
        self._consumer.assign(self._partitions)
        for partition in self._partitions:
            self._consumer.seek(partition, 0)

    async def fetch(self) -> None:
        self._fetched = {}  # Nothing of it is held while more is received.
        self._fetched = await self._consumer.getmany(timeout_ms=int(_WAIT_SECONDS * 1000))

    def rewind(self, partition: int) -> None:
        self._consumer.seek(self._partitions[partition], 0)

    async def stop(self) -> None:
        await self._consumer.stop()


class Getmany(_Aiokafka):
    """Stock aiokafka with its own settings."""

    def _make_consumer(self) -> AIOKafkaConsumer:
        from aiokafka import AIOKafkaConsumer  # noqa: PLC0415

        return AIOKafkaConsumer(bootstrap_servers=self._brokers, enable_auto_commit=False, **_COMMITTED)

    async def read(self) -> int:
        return sum(map(len, self._fetched.values()))

    def positions(self) -> Iterable[tuple[int, int]]:
        return ((tp.partition, records[-1].offset + 1) for tp, records in self._fetched.items() if records)

    def values(self) -> Iterable[tuple[int, bytes]]:
        return ((tp.partition, record.value) for tp, records in self._fetched.items() for record in records)


class Fast(_Aiokafka):
    """Penstock's fetch: record batches in frames, their headers scanned, nothing else looked at."""

    def __init__(self, ring: Ring, settings: Mapping[str, Any]) -> None:
        super().__init__(ring, settings)
        self._settings = settings

    def _make_consumer(self) -> AIOKafkaConsumer:
        from penstock._native import FramePool  # noqa: PLC0415
        from penstock.config.model import FETCH_BYTES, FETCHED_BYTES  # noqa: PLC0415
        from penstock.source.fetch_room import FetchRoom  # noqa: PLC0415
        from penstock.source.raw_fetch import RawConsumer  # noqa: PLC0415

        settings = {"enable_auto_commit": False, **_COMMITTED, **self._settings}
        pool = FramePool(_POOL_BYTES)
        room = FetchRoom(pool, answer_bytes=FETCH_BYTES, total_bytes=FETCHED_BYTES)
        return RawConsumer(bootstrap_servers=self._brokers, pool=pool, room=room, **settings)

    async def read(self) -> int:
        return sum(raw.records for fetched in self._fetched.values() for raw in fetched)

    def positions(self) -> Iterable[tuple[int, int]]:
        return ((tp.partition, raws[-1].next_offset) for tp, raws in self._fetched.items() if raws)

    def values(self) -> Iterable[tuple[int, bytes]]:
        for tp, raws in self._fetched.items():
            for records in _read(raws):
                yield from ((tp.partition, value) for value in records.columns()["values"])


class FastDecoded(Fast):
    """The same, and the batches read in native code: checksum, decompression, where each record lies."""

    def __init__(self, ring: Ring, settings: Mapping[str, Any]) -> None:
        super().__init__(ring, settings)
        self._executor = ThreadPoolExecutor(1)

    async def read(self) -> int:
        raws = [raw for fetched in self._fetched.values() for raw in fetched]
        found = await asyncio.get_running_loop().run_in_executor(self._executor, _read, raws)
        return sum(records.count for records in found)


class Confluent:
    """confluent-kafka with its own settings: `consume(1000)`, and `value()` of every message."""

    def __init__(self, ring: Ring, _settings: Mapping[str, Any]) -> None:
        from confluent_kafka import Consumer, TopicPartition  # noqa: PLC0415

        settings = {"group.id": "bench", "enable.auto.commit": False, "auto.offset.reset": "error", "log_level": 0}
        self._consumer = Consumer({"bootstrap.servers": ring.brokers, **settings})
        self._partitions = [TopicPartition(ring.topic, number, 0) for number in range(len(ring.partitions))]
        self._messages: Sequence[Any] = ()
        self._values: Sequence[bytes] = ()

    async def start(self) -> None:
        self._consumer.assign(self._partitions)

    async def fetch(self) -> None:
        self._messages = self._consumer.consume(_CONFLUENT_RECORDS, _WAIT_SECONDS)

    async def read(self) -> int:
        self._values = [message.value() for message in self._messages]
        return len(self._values)

    def positions(self) -> Iterable[tuple[int, int]]:
        # Asking each message where it was would cost a tenth of what is measured.
        found = self._consumer.position(self._partitions)
        return ((one.partition, one.offset) for one in found if one.offset >= 0)  # Negative until a seek is done.

    def rewind(self, partition: int) -> None:
        self._consumer.seek(self._partitions[partition])

    def values(self) -> Iterable[tuple[int, bytes]]:
        return ((message.partition(), value) for message, value in zip(self._messages, self._values, strict=True))

    async def stop(self) -> None:
        self._consumer.close()


def _read(raws: Sequence[Any]) -> Sequence[Records]:
    from penstock._native import read_batches  # noqa: PLC0415

    return read_batches([(raw.data, raw.fetch_offset, raw.aborted, True) for raw in raws], 1)


READERS: Final[Mapping[str, Callable[[Ring, Mapping[str, Any]], Reader]]] = {
    "getmany": Getmany,
    "fast": Fast,
    "fast_decoded": FastDecoded,
    "confluent": Confluent,
}
"""By mode; made from a ring and the settings of Penstock's consumer."""
