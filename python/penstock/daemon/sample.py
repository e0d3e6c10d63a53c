"""The first records of a topic, read without a group and without committing anything."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import structlog

from penstock.pipeline import POLL_SECONDS
from penstock.positions import Positions
from penstock.source.kafka import KafkaSource

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from penstock.batch import Partition
    from penstock.config import Config

log = structlog.get_logger("penstock.sample")

_EPOCH = 1
_LOOK_AGAIN_SECONDS = 30.0
"""While there is no record, topics and partitions are looked up anew so often."""

_SHARE_OF_MEMORY = 4
"""A sample takes no more than this part of the memory limit."""


class Sampler:
    """Reads `decode.infer_records` values, or as many as there are; waits while there is none."""

    def __init__(self, config: Config, *, until_end: bool) -> None:
        self.ended = True
        self._config = config
        self._until_end = until_end
        self._most_bytes = config.pipeline.memory_limit // _SHARE_OF_MEMORY
        self._stopping = False
        self._waiting = False
        self._values: list[bytes] = []
        self._bytes = 0

    def stop(self) -> None:
        """End soon, without a sample."""
        self._stopping = True

    async def run(self, origin: Callable[[Partition], Awaitable[int | None]]) -> list[bytes]:
        """Values from `origin` of each partition on, in no certain order of partitions; None means its first record.

        Empty if stopped, or at the end if the run is only to the end.
        """
        while not self._stopping:
            reader = _Reader(self._config)
            try:
                self.ended = False
                await self._read(reader, origin)
            finally:
                self.ended = await reader.source.stop()
            if self._values or self._until_end:
                break
        return [] if self._stopping else self._values

    async def _read(self, reader: _Reader, origin: Callable[[Partition], Awaitable[int | None]]) -> None:
        await reader.source.connect()
        await reader.source.join(reader)
        started = time.monotonic()
        while not (self._stopping or self._full()):
            for value in await reader.poll(origin):
                if not self._full():
                    self._values.append(value)
                    self._bytes += len(value)
            if not reader.at_end():
                continue
            if self._values or self._until_end:
                return
            if not self._waiting:
                self._waiting = True
                log.info("No record yet to infer columns from; waiting for the first.")
            if time.monotonic() - started > _LOOK_AGAIN_SECONDS:
                return

    def _full(self) -> bool:
        return len(self._values) >= self._config.decode.infer_records or self._bytes >= self._most_bytes


class _Reader:
    """One consumer of every partition; the source's `Owner` as well."""

    def __init__(self, config: Config) -> None:
        self.source = KafkaSource(config.source, group=False)
        self._positions = Positions(self.source)
        self._assigned: list[Partition] = []
        self._next: dict[Partition, int] = {}
        self._ends: dict[Partition, int] = {}

    def assigned(self, partitions: Sequence[Partition]) -> None:
        """All of them, once."""
        self._assigned.extend(partitions)

    async def revoked(self, partitions: Sequence[Partition]) -> None:
        """Never: there is no group."""

    async def poll(self, origin: Callable[[Partition], Awaitable[int | None]]) -> list[bytes]:
        """The next values, tombstones left out."""
        batches = await self.source.poll(POLL_SECONDS)
        while self._assigned:
            partition = self._assigned.pop()
            state = await self._positions.state(partition)
            first = await origin(partition)
            self._next[partition] = state.low if first is None else min(max(first, state.low), state.high)
            self._ends[partition] = state.high
            self.source.seek(partition, self._next[partition], _EPOCH)
        for batch in batches:
            self._next[batch.partition] = batch.next_offset
        return [value for batch in batches for value in batch.values if value is not None]

    def at_end(self) -> bool:
        """Whether nothing is left of what there was at the start, in partitions that can be read."""
        unreadable = self.source.out_of_range | self.source.corrupt().keys()
        return not self._assigned and all(
            at >= self._ends[partition] or partition in unreadable for partition, at in self._next.items()
        )
