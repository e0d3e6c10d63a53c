"""Sends events to the embedded broker, never more than it can keep until they are committed."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final
from zlib import crc32

from penstock.demo.broker import PARTITION_LOG_BYTES
from penstock.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from confluent_kafka import KafkaError, Message

    from penstock.demo.events import Event

UNCOMMITTED_BYTES: Final = PARTITION_LOG_BYTES * 4 // 5
"""Per partition, uncompressed, so the broker holds no more than that; the rest is for batch headers."""

_RECORD_OVERHEAD_BYTES: Final = 32
_FLUSH_SECONDS: Final = 30
_SETTINGS: Final = {
    "enable.idempotence": True,
    "linger.ms": 20,
    "batch.size": 1_000_000,
    "queue.buffering.max.messages": 0,
    "queue.buffering.max.kbytes": 1_000_000,
    "delivery.report.only.error": True,
    "log_level": 2,
}


class EventProducer:
    """The only producer of its topic: it knows every offset. Not thread-safe.

    Events of one key go to one partition; those without a key go round.
    """

    def __init__(self, bootstrap: str, topic: str, partitions: int, uncommitted_bytes: int = UNCOMMITTED_BYTES) -> None:
        """Connects when the first event is sent."""
        from confluent_kafka import Producer  # noqa: PLC0415 - an extra; without it the broker says what to install

        self._producer = Producer({**_SETTINGS, "bootstrap.servers": bootstrap, "on_delivery": self._failed})
        self._topic = topic
        self._limit = uncommitted_bytes
        self._sizes: list[deque[int]] = [deque() for _ in range(partitions)]
        """Per partition the sizes of its uncommitted records, in order."""
        self.uncommitted = [0] * partitions
        """Per partition, in bytes."""
        self._committed = [0] * partitions
        self._error: KafkaError | None = None
        self.sent = 0
        self.sent_bytes = 0
        """Of values."""

    def send(self, event: Event) -> bool:
        """Hand over one event; False, and nothing is sent, if its partition has no room before more is committed."""
        key, value = event.key, event.value
        partition = (crc32(key) if key else self.sent) % len(self._sizes)
        value_bytes = len(value) if value else 0
        size = value_bytes + (len(key) if key else 0) + _RECORD_OVERHEAD_BYTES
        if self.uncommitted[partition] + size > self._limit and self._sizes[partition]:
            return False
        self._producer.produce(self._topic, value, key, partition)
        self._sizes[partition].append(size)
        self.uncommitted[partition] += size
        self.sent += 1
        self.sent_bytes += value_bytes
        return True

    def committed(self, positions: Mapping[int, int]) -> None:
        """Take note that everything below `positions` is in the table. Serves the network, raises what failed there."""
        self._producer.poll(0)
        self._check()
        for partition, position in positions.items():
            sizes = self._sizes[partition]
            for _ in range(position - self._committed[partition]):
                self.uncommitted[partition] -= sizes.popleft()
            self._committed[partition] = position

    @property
    def lag(self) -> int:
        """Events that were sent and are not committed."""
        return sum(map(len, self._sizes))

    def flush(self) -> None:
        """Return when the broker has everything."""
        left = self._producer.flush(_FLUSH_SECONDS)
        self._check()
        if left:
            raise UnavailableError(f"The embedded broker did not take {left:,} events within {_FLUSH_SECONDS} s.")

    def close(self) -> None:
        """Forget what was not sent, so that nothing waits for a broker that is gone."""
        self._producer.purge()

    def _failed(self, error: KafkaError | None, _message: Message) -> None:
        self._error = self._error or error

    def _check(self) -> None:
        if self._error is not None:
            raise UnavailableError(f"The embedded broker refused an event: {self._error.str()}.")
