"""What was taken of a partition and is in no cut yet, and whether it adds up."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from penstock.batch import Counts, Range
from penstock.errors import InternalError

if TYPE_CHECKING:
    from penstock.batch import Gap, Partition


@dataclass(slots=True)
class OpenRange:
    """`[start, cursor)` of one partition. It begins where the cut before it ended, so gaps lie inside it.

    From `verdicts_end` on, no dead letter was in the table when the assignment began.
    """

    partition: Partition
    start: int
    cursor: int
    verdicts_end: int
    gaps: tuple[Gap, ...] = ()
    counts: Counts = field(default_factory=Counts)
    opened_at: float | None = None

    @property
    def range(self) -> Range:
        """As a range."""
        return Range(self.start, self.cursor)

    def next(self) -> OpenRange:
        """The empty range that follows."""
        return OpenRange(self.partition, self.cursor, self.cursor, self.verdicts_end)

    def take(self, fetch_offset: int, next_offset: int, counts: Counts, now: float) -> None:
        """Extend by a batch. `InternalError` if it does not begin at the cursor, or its counts don't add up (I5)."""
        if fetch_offset != self.cursor or next_offset < fetch_offset:
            raise InternalError(
                f"{self.partition}: expected a batch from offset {self.cursor}, got [{fetch_offset}, {next_offset}). "
                "Nothing of it is committed; restart to read it again."
            )
        verdicts = counts.rows + counts.dead_letters + counts.filtered + counts.tombstones
        if not verdicts == counts.records <= next_offset - fetch_offset:
            raise InternalError(
                f"{self.partition}: the counts of offsets {fetch_offset} to {next_offset} do not add up: {counts}. "
                "Nothing of it is committed; please report this."
            )
        self.cursor = next_offset
        self.counts += counts
        if self.opened_at is None:
            self.opened_at = now

    def check_dead_letters(self, rows: int) -> None:
        """`InternalError` unless every dead letter that the table lacks is among the `rows` of the open file."""
        counted = self.counts.dead_letters
        if rows > counted or (rows < counted and self.start >= self.verdicts_end):
            raise InternalError(
                f"{self.partition}: offsets {self.start} to {self.cursor} have {counted} dead letters, but their file "
                f"has {rows} rows. Nothing of it is committed; please report this."
            )

    def carried_enough(self, now: float, *, seconds: float, offsets: int) -> bool:
        """Whether a range without a row is old or long enough to be committed all the same."""
        return self.cursor - self.start >= offsets or (self.opened_at is not None and now - self.opened_at >= seconds)
