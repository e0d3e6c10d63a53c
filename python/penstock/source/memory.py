"""Memory source: records that a test hands over, through the same seam as those of Kafka and files."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from penstock.batch import Partition, RawBatch, RecordColumns

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from collections.abc import Set as AbstractSet
    from datetime import datetime

    from penstock.errors import PenstockError
    from penstock.source.source import Owner

CLUSTER_ID = "memory"


@dataclass(frozen=True, slots=True)
class Record:
    """One record as Kafka would have it; a value of None is a tombstone. The time is milliseconds since the epoch."""

    value: bytes | None
    key: bytes | None = None
    headers: Sequence[tuple[str | bytes, bytes | None]] = ()
    timestamp_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Wait:
    """Between two records: so much time passes on the test's clock before the next one comes."""

    seconds: float


class MemorySource:
    """A `Source`. `partitions` is all there is to read; offsets count records from 0. `wait` is told of each `Wait`."""

    finite = True
    cluster_id = CLUSTER_ID
    out_of_range: Sequence[Partition] = ()
    settled = True
    held_bytes = 0

    def __init__(
        self,
        partitions: Mapping[Partition, Sequence[Record | Wait]],
        wait: Callable[[float], None],
        *,
        batch_records: int = 10_000,
    ) -> None:
        self._records: dict[Partition, list[Record]] = {partition: [] for partition in partitions}
        self._waits: dict[tuple[Partition, int], float] = {}
        for partition, script in partitions.items():
            records = self._records[partition]
            for entry in script:
                if isinstance(entry, Wait):
                    key = (partition, len(records))
                    self._waits[key] = self._waits.get(key, 0.0) + entry.seconds
                else:
                    records.append(entry)
        self._wait = wait
        self._batch_records = batch_records
        self._reading: dict[Partition, tuple[int, int]] = {}
        """Epoch and next offset."""
        self._moved = asyncio.Event()
        self.paused: AbstractSet[Partition] = frozenset()

    # ---- life

    async def connect(self) -> None:
        """See `Source`."""

    def recognise(self, topics: Mapping[str, str]) -> None:
        """Nothing to do: partitions have the names that the test gave them."""

    async def join(self, owner: Owner) -> None:
        """See `Source`."""
        owner.assigned(list(self._records))

    async def stop(self) -> bool:
        """See `Source`."""
        self._reading.clear()
        return True

    async def sample(self, limit: int, most_bytes: int) -> list[bytes]:
        """See `Sampled`: the first records."""
        values = (record.value for records in self._records.values() for record in records)
        found: list[bytes] = []
        for value in islice((value for value in values if value is not None), limit):
            found.append(value)
            most_bytes -= len(value)
            if most_bytes <= 0:
                break
        return found

    # ---- reading

    def seek(self, partition: Partition, offset: int, epoch: int) -> bool:
        """See `Source`."""
        self._reading[partition] = (epoch, offset)
        self._moved.set()
        return True

    def release(self, partition: Partition) -> None:
        """See `Source`."""
        self._reading.pop(partition, None)

    def finished(self, partition: Partition) -> None:
        """See `Source`."""
        self.release(partition)

    def pause(self, partitions: AbstractSet[Partition]) -> None:
        """See `Source`."""
        if partitions != self.paused:
            self.paused = frozenset(partitions)
            self._moved.set()

    async def poll(self, timeout_seconds: float) -> list[RawBatch]:
        """See `Source`. A `Wait` ends a poll, so that the pipeline sees the time it left."""
        ready = [p for p, (_, at) in self._reading.items() if at < len(self._records[p]) or (p, at) in self._waits]
        ready = [partition for partition in ready if partition not in self.paused]
        if not ready:
            self._moved.clear()
            moved = asyncio.ensure_future(self._moved.wait())
            await asyncio.wait([moved], timeout=timeout_seconds)
            moved.cancel()
            return []
        return [batch for partition in ready if (batch := self._next(partition)) is not None]

    def _next(self, partition: Partition) -> RawBatch | None:
        epoch, start = self._reading[partition]
        seconds = self._waits.pop((partition, start), None)
        if seconds is not None:
            self._wait(seconds)
            return None
        limit = min(start + self._batch_records, len(self._records[partition]))
        end = next((at for at in range(start + 1, limit) if (partition, at) in self._waits), limit)
        records = self._records[partition][start:end]
        self._reading[partition] = (epoch, end)
        return RawBatch(
            partition=partition,
            epoch=epoch,
            fetch_offset=start,
            next_offset=end,
            size_bytes=sum(len(record.value or b"") for record in records),
            records=RecordColumns(
                values=[record.value for record in records],
                keys=[record.key for record in records],
                headers=[record.headers for record in records],
                offsets=range(start, end),
                timestamps=[-1 if record.timestamp_ms is None else record.timestamp_ms for record in records],
            ),
        )

    def lag(self) -> dict[Partition, int]:
        """See `Source`."""
        return {partition: len(self._records[partition]) - at for partition, (_, at) in self._reading.items()}

    # ---- trouble

    def waiting_seconds(self) -> float:
        """None: there is nobody to share with."""
        return 0.0

    silent_seconds = 0.0

    async def wait_for_loss(self) -> PenstockError:
        """Never."""
        never: asyncio.Future[PenstockError] = asyncio.get_running_loop().create_future()
        return await never

    def faults(self) -> dict[Partition, PenstockError]:
        """None."""
        return {}

    def refetch(self, partition: Partition, offset: int, problem: str) -> None:  # noqa: ARG002 - see `Source`
        """Never: a test's records are no frames."""
        raise TypeError(problem)

    def stuck(self) -> None:
        """Never."""

    def hint(self, partition: Partition) -> None:
        """None: the test knows its records."""

    # ---- facts about partitions

    async def all_partitions(self) -> list[Partition]:
        """See `Source`."""
        return list(self._records)

    async def bounds(self, partitions: Sequence[Partition]) -> dict[Partition, tuple[int, int]]:
        """See `Source`."""
        return {partition: (0, len(self._records[partition])) for partition in partitions}

    async def offsets_at(self, partitions: Sequence[Partition], moment: datetime) -> dict[Partition, int | None]:
        """See `Source`."""
        wanted = moment.timestamp() * 1000
        found: dict[Partition, int | None] = {}
        for partition in partitions:
            times = (record.timestamp_ms for record in self._records[partition])
            found[partition] = next((at for at, time in enumerate(times) if time is not None and time >= wanted), None)
        return found

    def end(self, partition: Partition) -> int | None:
        """See `Source`; a `Wait` after the last record comes before the end."""
        count = len(self._records[partition])
        return None if (partition, count) in self._waits else count

    async def same(self, partition: Partition) -> bool:
        """See `Source`."""
        return partition in self._records

    async def acknowledged(self, partitions: Sequence[Partition]) -> dict[Partition, tuple[int, str] | None]:
        """None: nobody but the table keeps positions."""
        return dict.fromkeys(partitions)

    async def acknowledge(self, offsets: Mapping[Partition, tuple[int, str]]) -> None:
        """Nothing to do."""
