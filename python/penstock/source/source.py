"""The seam to where records come from: Kafka, files, or a test's memory.

A source hands over batches of the partitions it was told to read, from the offsets it was told (`seek`); positions are
the table's business. Everything is called from one task on the event loop, and nothing here computes for long.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

from penstock.errors import GaveUpError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from collections.abc import Set as AbstractSet
    from datetime import datetime

    from penstock.batch import Partition, RawBatch
    from penstock.errors import PenstockError


class SourceOutageError(GaveUpError):
    """The source did not answer, which may pass: wait and ask again."""


class Owner(Protocol):
    """Who the partitions are read for."""

    def assigned(self, partitions: Sequence[Partition]) -> None:
        """They are ours now, and paused until `seek`. Must not wait."""

    async def revoked(self, partitions: Sequence[Partition]) -> None:
        """They are about to be another's. Returns within the rebalance timeout; afterwards nothing of them is read."""


@runtime_checkable
class Sampled(Protocol):
    """A source whose first records can be looked at before it is joined. It hands them over all the same."""

    async def sample(self, limit: int, most_bytes: int) -> list[bytes]:
        """About `limit` records, if there are so many, without tombstones; fewer, but one, once they have `most_bytes`.

        Between `connect` and `join`.
        """


class Source(Protocol):
    """Where the records of one run come from."""

    # ---- life

    @property
    def cluster_id(self) -> str:
        """Which source it is: a table takes records of one only. Known once `connect` has returned."""

    async def connect(self) -> None:
        """Reach it. Raises what is wrong with settings, brokers, topics or files."""

    def recognise(self, topics: Mapping[str, str]) -> None:
        """The topic ids that the table knows, with its names for them. Between `connect` and `join`, if `finite`.

        `PositionError` for what may be in the table already, or not.
        """

    async def join(self, owner: Owner) -> None:
        """`owner` hears of partitions from now on."""

    async def stop(self) -> bool:
        """Give back what is held. False if something hangs that only ending the process ends. `connect` begins anew."""

    @property
    def settled(self) -> bool:
        """Whether the owner knows of all its partitions, possibly none."""

    @property
    def finite(self) -> bool:
        """Whether partitions come to an end: then each is committed and left there, and the last one ends the run."""

    # ---- reading

    def seek(self, partition: Partition, offset: int, epoch: int) -> bool:
        """Read `partition` from `offset` on, as `epoch`. False if it is not ours any more."""

    def release(self, partition: Partition) -> None:
        """Read `partition` no more, while it stays assigned."""

    def finished(self, partition: Partition) -> None:
        """All of `partition` is committed and its owner left it; only where partitions are `finite`."""

    def pause(self, partitions: AbstractSet[Partition]) -> None:
        """Hand over nothing of these from now on, and of others what was held back so far."""

    @property
    def paused(self) -> AbstractSet[Partition]:
        """Those that `pause` was last called with."""

    @property
    def held_bytes(self) -> int:
        """Memory of what was fetched, handed over or not, as long as somebody holds it; 0 where that is not known."""

    async def poll(self, timeout_seconds: float) -> list[RawBatch]:
        """Batches of every partition that moved, each continuing where the previous one of its partition ended.

        Returns after `timeout_seconds` if nothing moves. A batch without records still moves the position.
        """

    def lag(self) -> dict[Partition, int]:
        """Offsets behind the end, of the partitions whose end is known."""

    # ---- trouble

    def waiting_seconds(self) -> float:
        """For how long it has had to wait for its share of the partitions; 0 if it does not."""

    @property
    def silent_seconds(self) -> float:
        """For how long it has answered nothing, though it was asked; 0 where it can't be silent."""

    async def wait_for_loss(self) -> PenstockError:
        """Return once something that the configuration names is gone for good. Never, where that can't happen."""

    @property
    def out_of_range(self) -> Sequence[Partition]:
        """Partitions whose position the source no longer has, or not yet: the owner decides."""

    def faults(self) -> dict[Partition, PenstockError]:
        """Partitions that can't be read on, each with the reason. What was handed over before is good."""

    def refetch(self, partition: Partition, offset: int, problem: str) -> None:
        """What a frame of `partition` has at `offset` can't be read, as `problem` says: fetch it once more from there.

        If that was done at this offset already, it is one of the `faults` from now on.
        """

    def stuck(self) -> str | None:
        """Why it must be stopped and connected anew, None if it works. `GaveUpError` if that does not help."""

    def hint(self, partition: Partition) -> str | None:
        """What may explain that nothing of `partition` can be decoded."""

    # ---- facts about partitions, each answer fresh. `SourceOutageError`; `PositionError` for what is gone

    async def all_partitions(self) -> list[Partition]:
        """Every partition the pipeline reads, ours or not."""

    async def bounds(self, partitions: Sequence[Partition]) -> dict[Partition, tuple[int, int]]:
        """First offset there is and the end of what may be read, per partition."""

    async def offsets_at(self, partitions: Sequence[Partition], moment: datetime) -> dict[Partition, int | None]:
        """First offset with a timestamp at or after `moment`; None where there is none yet."""

    def end(self, partition: Partition) -> int | None:
        """Where a run `--until-end` leaves `partition`; None while that is not known."""

    async def same(self, partition: Partition) -> bool:
        """Whether all that was handed over of `partition` so far is of its topic id."""

    # ---- advisory copy of the table's position

    async def acknowledged(self, partitions: Sequence[Partition]) -> dict[Partition, tuple[int, str] | None]:
        """What `acknowledge` last wrote, offset and metadata; None where there is nothing."""

    async def acknowledge(self, offsets: Mapping[Partition, tuple[int, str]]) -> None:
        """Write the table's positions for people and lag tools. May raise anything; nothing depends on it."""
