"""Where a partition begins: pure rules over what the table and the source say.

The table's own commits are the position. Kafka's committed offset is only read for two things: to notice that a table
lost its commits, and, with `start = "group"`, as the origin of a new table.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from penstock.batch import Gap, Range
from penstock.errors import PositionError

if TYPE_CHECKING:
    from penstock.batch import Partition


@dataclass(frozen=True, slots=True)
class LastCommit:
    """The commit of one table that ends a partition's chain."""

    commit_id: str
    range: Range
    plan: str

    @property
    def end(self) -> int:
        """The first offset that is not in the table."""
        return self.range.end


@dataclass(frozen=True, slots=True)
class TableState:
    """What the tables say about one partition, read after a `Refresh` was asked for.

    `main.end` is the position. `secondary` is the end of the dead-letter table's own chain, which neither begins nor
    ends where main's files do. `other_topic_id` names a topic of the same name but another id whose commits are here.
    A listing that misses the newest commits is allowed (it costs a lost put), and so are fields read at different
    moments; a half commit is not.
    """

    origin: int | None
    main: LastCommit | None
    secondary: LastCommit | None
    other_topic_id: str | None = None
    location: str = "the table"
    """How messages name the main table."""


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """What this program wrote beside the group's committed offset."""

    offset: int
    table_id: str
    commit_id: str


@dataclass(frozen=True, slots=True)
class SourceState:
    """What the source says about one partition, read *after* the table: `high` must not be older than the position.

    `low`, `high` are the beginning and end offsets. `start` is the offset that the start policy gives, used only if
    the partition has no origin yet (see `start_offset`). `acknowledged` is None if the group has no offset or one that
    another program wrote. `reuses_names`: another topic id under the same name is not a topic that was recreated; the
    source itself has looked at what it is.
    """

    low: int
    high: int
    start: int
    acknowledged: Acknowledged | None = None
    reuses_names: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """Where an assignment begins.

    `start` is where its first cut starts: the end of main's chain. `offset` is where to fetch; they differ by a gap.
    `next_secondary` is where the next dead-letter file starts. `verdicts` is the range in which the dead-letter table
    may be ahead of main. `fence`: main's newest commit is of another plan.
    """

    start: int
    offset: int
    gaps: tuple[Gap, ...]
    next_secondary: int
    verdicts: Range | None
    fence: bool


def start_offset(
    policy: Literal["earliest", "latest", "group"] | int,
    *,
    low: int,
    high: int,
    group_offset: int | None,
    first_start: bool,
) -> int:
    """The origin to propose for a partition that has none; `policy` may be the offset a time stamp was resolved to.

    Partitions that appear after the job's first start begin at `low` whatever the policy, as what was written to them
    before we saw them is wanted. A group without an offset begins at `low`: nothing is lost by guessing.
    """
    if not first_start or policy == "earliest":
        return low
    if policy == "latest":
        return high
    if policy == "group":
        return low if group_offset is None else group_offset
    return policy


def place(
    partition: Partition, plan: str, table: TableState, source: SourceState, on_gap: Literal["fail", "record"]
) -> Place | None:
    """Decide where to begin, or None if the origin must be put first. Raises `PositionError`: never resets."""
    check_table(partition, table, source)
    if table.origin is None:
        return None
    start = table.origin if table.main is None else table.main.end
    offset = check_source(partition, start, source, on_gap)
    next_secondary = table.origin if table.secondary is None else table.secondary.end
    return Place(
        start=start,
        offset=offset,
        gaps=(Gap(start, offset),) if offset > start else (),
        next_secondary=next_secondary,
        verdicts=Range(start, next_secondary) if next_secondary > start else None,
        fence=table.main is not None and table.main.plan != plan,
    )


def check_table(partition: Partition, table: TableState, source: SourceState) -> None:
    """Refuse a table that lost its commits or holds those of another topic with this name."""
    if table.main is not None:
        if table.origin is None:
            raise PositionError(
                f"{partition}: the table has commits up to offset {table.main.end} but no origin. Its _penstock/origin "
                "was removed: restore it."
            )
        return
    if source.acknowledged is not None:
        ack = source.acknowledged
        raise PositionError(
            f"{partition}: {table.location} has no position, but the consumer group says that table {ack.table_id} was "
            f"committed up to offset {ack.offset} (commit {ack.commit_id}). If its files are gone (an unmounted "
            "volume, a lifecycle rule, a deletion), bring them back; to begin a new table, use a new [source] group."
        )
    if table.other_topic_id is not None and table.origin is None and not source.reuses_names:
        raise PositionError(
            f"{partition}: the table holds commits of a topic of this name with id {table.other_topic_id}, the "
            f"topic now has id {partition.topic_id}: it was deleted and created again. "
            "Write the new topic to a new table."
        )


def check_source(partition: Partition, start: int, source: SourceState, on_gap: Literal["fail", "record"]) -> int:
    """The offset to fetch from, for a position of `start`."""
    if start > source.high:
        raise PositionError(
            f"{partition}: the table's position is offset {start}, but the topic ends at {source.high}: it was "
            "truncated or created again. Restore the topic, or write to a new table."
        )
    if start >= source.low:
        return start
    if on_gap == "fail":
        raise PositionError(
            f"{partition}: offsets {start} to {source.low - 1} were deleted by retention before they were committed: "
            f"the topic now begins at {source.low}. "
            'To go on without them, set on_gap = "record" in [source]: the table then records the gap.'
        )
    return source.low
