"""The first records of a source, from which columns are inferred; nothing is committed, and all are read again."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

import structlog

from penstock.batch import RawFrame
from penstock.pipeline import POLL_SECONDS
from penstock.positions import Positions
from penstock.source.open import open_source
from penstock.source.source import Sampled
from penstock.telemetry.metrics import Metrics

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from penstock.batch import Partition, RawBatch
    from penstock.config import Config
    from penstock.source.source import Source

    Origin = Callable[[Partition], Awaitable[int | None]]
    """Where a partition begins; None: at its first record."""

log = structlog.get_logger("penstock.sample")

_EPOCH = 1
_LOOK_AGAIN_SECONDS = 30.0
"""While there is no record, topics and partitions are looked up anew so often."""

_SHARE_OF_MEMORY = 4
"""A sample takes no more than this part of the memory limit."""


class Sampler(Protocol):
    """Reads `decode.infer_records` values, or as many as there are, or as a part of the memory limit holds."""

    ended: bool
    """Nothing of it is left on the event loop or in threads."""

    def stop(self) -> None:
        """End soon, without a sample."""

    async def run(self, origin: Origin) -> list[bytes]:
        """Values from the origins on, in no certain order of partitions. Empty if stopped, or if there are none."""


def make_sampler(config: Config, source: Source, *, until_end: bool) -> Sampler:
    """For `source`, which is connected and not joined when the sampler runs."""
    if isinstance(source, Sampled):
        return _Look(source, config.decode.infer_records, config.pipeline.memory_limit // _SHARE_OF_MEMORY)
    return _Read(config, until_end=until_end)


class _Look:
    """Looks into a source that allows it before it is joined."""

    ended = True

    def __init__(self, source: Sampled, records: int, most_bytes: int) -> None:
        self._source = source
        self._records = records
        self._most_bytes = most_bytes
        self._stopping = False

    def stop(self) -> None:
        """See `Sampler`."""
        self._stopping = True

    async def run(self, origin: Origin) -> list[bytes]:  # noqa: ARG002 - what begins later is of the same kind
        """See `Sampler`."""
        values = await self._source.sample(self._records, self._most_bytes)
        if not values:
            log.warning("There is no record to infer columns from; nothing is done.")
        return [] if self._stopping else values


class _Read:
    """A consumer of its own, without a group, that waits while there is no record, unless the run is to the end."""

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
        """See `Sampler`."""
        self._stopping = True

    async def run(self, origin: Origin) -> list[bytes]:
        """See `Sampler`."""
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

    async def _read(self, reader: _Reader, origin: Origin) -> None:
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
        self.source = open_source(config, Metrics(), group=False, frames=False)
        self._positions = Positions(self.source)
        self._assigned: list[Partition] = []
        self._next: dict[Partition, int] = {}
        self._ends: dict[Partition, int] = {}

    def assigned(self, partitions: Sequence[Partition]) -> None:
        """All of them, once."""
        self._assigned.extend(partitions)

    async def revoked(self, partitions: Sequence[Partition]) -> None:
        """Never: there is no group."""

    async def poll(self, origin: Origin) -> list[bytes]:
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
        return [value for batch in batches for value in _values(batch) if value is not None]

    def at_end(self) -> bool:
        """Whether nothing is left of what there was at the start, in partitions that can be read."""
        unreadable = {*self.source.out_of_range, *self.source.faults()}
        return not self._assigned and all(
            at >= self._ends[partition] or partition in unreadable for partition, at in self._next.items()
        )


def _values(batch: RawBatch) -> Sequence[bytes | None]:
    if isinstance(batch.records, RawFrame):
        raise TypeError(batch.records)  # The sampler's own consumer fetches records.
    return batch.records.values
