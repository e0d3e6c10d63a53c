"""The nouns between the stages. Frozen: a stage never changes what another stage handed it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence


class Partition(NamedTuple):
    """One source partition. A recreated topic has another `topic_id`, so it is another partition."""

    cluster_id: str
    topic: str
    topic_id: str
    number: int

    def __str__(self) -> str:
        """`topic-number`, as operators write it; a file, which is a partition of its own, by its path alone."""
        return self.topic if "/" in self.topic else f"{self.topic}-{self.number}"


class Range(NamedTuple):
    """Half-open range of source offsets, `[start, end)`. Offset space: holes are covered."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class RecordColumns:
    """Records as columns: of equal lengths, possibly zero, offsets ascending.

    `None` among the `values` is a tombstone. `timestamps` are milliseconds since the epoch, -1 where absent.
    """

    values: Sequence[bytes | None]
    keys: Sequence[bytes | None]
    headers: Sequence[Sequence[tuple[str | bytes, bytes | None]]]
    offsets: Sequence[int]
    timestamps: Sequence[int]


@dataclass(frozen=True, slots=True)
class RawFrame:
    """Record batches of one partition, as the broker sent them.

    `data` is whole batches, read-only, and never changes (a frozen `Frame`'s, or of `bytes`). `aborted` are the
    transactions that were aborted in it: producer id and first offset, by offset. `records` is how many records its
    headers promise: no more than so many come out.
    """

    data: memoryview
    aborted: Sequence[tuple[int, int]]
    read_committed: bool
    records: int


@dataclass(frozen=True, slots=True)
class RawBatch:
    """What one poll brought for one partition, undecoded: whatever there is in `[fetch_offset, next_offset)`.

    `size_bytes` is what it holds in memory. With a `limit` no more than so many of its records are taken.
    """

    partition: Partition
    epoch: int
    fetch_offset: int
    next_offset: int
    size_bytes: int
    records: RecordColumns | RawFrame
    limit: int | None = None

    @property
    def most_records(self) -> int:
        """So many records it has, or fewer."""
        records = self.records
        return records.records if isinstance(records, RawFrame) else len(records.offsets)


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of the records of a range: `records == rows + dead_letters + filtered + tombstones`."""

    records: int = 0
    rows: int = 0
    dead_letters: int = 0
    filtered: int = 0
    tombstones: int = 0

    def __add__(self, other: Counts) -> Counts:
        """Sum of two disjoint ranges."""
        return Counts(
            self.records + other.records,
            self.rows + other.rows,
            self.dead_letters + other.dead_letters,
            self.filtered + other.filtered,
            self.tombstones + other.tombstones,
        )


@dataclass(frozen=True, slots=True)
class Gap:
    """Offsets that the source no longer had: `[start, end)`, recorded because `on_gap = "record"`."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Cut:
    """One contiguous range of one partition, ready to become visible in every table under one commit id."""

    partition: Partition
    epoch: int
    range: Range
    commit_id: str
    plan: str
    counts: Counts
    gaps: tuple[Gap, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Committed:
    """The commit is visible and it is ours."""

    end: int


@dataclass(frozen=True, slots=True)
class Lost:
    """Another commit has the same start: nothing of ours is visible, and never will be."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """No answer. Only reading the table tells; a blind retry is forbidden."""

    reason: str


Outcome = Committed | Lost | Unknown
