"""What the protocol asks its driver to do, one frozen type per effect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from penstock.batch import Cut, Gap, Range
    from penstock.errors import PenstockError

Table = Literal["main", "dead_letter"]


@dataclass(frozen=True, slots=True)
class Refresh:
    """Read the tables, then the source's offsets and the acknowledged offset; answer with `refreshed`.

    In that order: offsets read before the table would make a position that moved meanwhile look like a truncation.
    """


@dataclass(frozen=True, slots=True)
class PutOrigin:
    """Put `offset` as the partition's origin if it has none; answer with `origin_put`, whoever won."""

    offset: int


@dataclass(frozen=True, slots=True)
class Begin:
    """Load the committed dead-letter keys in `load_verdicts`, open the native writers, seek to `offset`, fetch.

    Of the dead-letter table, every file whose end is above `load_verdicts.start` is looked through: a key may lie
    before the start of the file that holds it. If None, the native writers get no verdicts.
    """

    epoch: int
    offset: int
    gaps: tuple[Gap, ...]
    dead_letters_from: int
    load_verdicts: Range | None


@dataclass(frozen=True, slots=True)
class Write:
    """Seal and store the cut's files where no reader sees them, durably; then `written`, or `rewind` on failure.

    Seal before anything more of the partition is ingested: the files must hold what was taken up to the cut, no more.
    `cut.range` is main's range. The dead-letter file is written, zero rows or not, iff `dead_letters` is its range.
    """

    cut: Cut
    dead_letters: Range | None


@dataclass(frozen=True, slots=True)
class Put:
    """Make the written file visible iff its table has no commit that starts at `range.start`; answer with `put_done`.

    An `attempt` above 1 follows an answer that told nothing: wait (capped backoff) before it, or give up.
    The written file must live until `Ack` or `Discard`.
    """

    table: Table
    cut: Cut
    range: Range
    attempt: int


@dataclass(frozen=True, slots=True)
class Ack:
    """The cut is committed. Tell the group, at leisure; errors are only logged."""

    offset: int
    commit_id: str


@dataclass(frozen=True, slots=True)
class Discard:
    """Drop what `epoch` has open or written but not visible: native files, stored files, fetched batches."""

    epoch: int


@dataclass(frozen=True, slots=True)
class Stop:
    """The partition is stopped until an operator acts; what it had open is already discarded."""

    error: PenstockError


Effect = Refresh | PutOrigin | Begin | Write | Put | Ack | Discard | Stop
Effects = tuple[Effect, ...]
