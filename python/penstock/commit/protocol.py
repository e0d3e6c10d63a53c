"""The delivery protocol of one partition: a state machine without I/O. Events are methods, effects are returned.

A partition's files form, per table, a chain of commits: each is put under a name made of its start, if that name is
absent, so the put is a compare-and-swap on the chain's end and has one winner. Main's chain is the position. The
dead-letter table has its own chain, not main's: its next file always starts where its last one ended, however far
main has come, and so a late put of a worker that was given up loses against any put made since.

Per cut the dead letters are put first, then main. After a crash in between, the dead-letter table is ahead of main;
the keys it holds there are loaded and rule: such a record is a dead letter whatever this plan says, any other dead
letter of this plan is appended. Cuts without dead letters put no dead-letter file, but for the first after a change
of plan, which fences workers of the old plan.

What holds, for any number of workers that believe they own the partition, crashes, lying answers and late puts:
nothing is lost; nothing is twice in one table; main's ranges are contiguous. Every offset has exactly one verdict as
long as all workers share one plan, or, over a change of plan, as long as at the new plan's refresh (a) no main put of
another plan is under way, (b) no dead-letter put under way is of a third plan, neither the new nor that of main's
newest commit, and (c) no worker of another plan refreshes the partition until the new plan's assignment has ended.
Outside that, a record may be listed both as a row and as a dead letter.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import TYPE_CHECKING, Literal

from penstock.batch import Committed, Cut, Range
from penstock.commit.effects import Ack, Begin, Discard, Put, PutOrigin, Refresh, Stop, Table, Write
from penstock.commit.open_range import OpenRange
from penstock.commit.position import place
from penstock.errors import InternalError, PositionError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from penstock.batch import Counts, Outcome, Partition
    from penstock.commit.effects import Effects
    from penstock.commit.position import Place, SourceState, TableState
    from penstock.errors import PenstockError


@dataclass(frozen=True, slots=True)
class Settings:
    """What an assignment goes by.

    `plan` is the digest of everything that decides a record's verdict. A range without a
    row is carried into the next cut until it is `carry_seconds` old or `carry_offsets` long.
    """

    plan: str
    on_gap: Literal["fail", "record"] = "fail"
    carry_seconds: float = 600.0
    carry_offsets: int = 1_000_000


class Phase(Enum):
    """Where an assignment stands. Nothing leaves `ENDED`."""

    NEW = auto()
    REFRESHING = auto()
    PUTTING_ORIGIN = auto()
    RUNNING = auto()
    ENDED = auto()


@dataclass(frozen=True, slots=True)
class _Attempt:
    """The commit in flight: its cut, and which put of which table is being made (None: still being written)."""

    cut: Cut
    dead_letters: Range | None
    putting: Table | None = None
    number: int = 1
    looking: bool = False

    @property
    def range(self) -> Range:
        """Range of the put that is being made."""
        return self.dead_letters if self.putting == "dead_letter" and self.dead_letters else self.cut.range


class Assignment:
    """One partition while this worker believes it owns it. Not thread-safe; call from one task.

    Carry out the effects in order. Each event returns what follows from it, `()` if nothing does; an answer that is no
    longer waited for is ignored, so late answers need no care. `epochs` is one counter for the whole process: every
    beginning takes a new one, also after a rewind, and batches of older epochs must not reach the native writers of a
    newer one.
    """

    def __init__(self, partition: Partition, settings: Settings, epochs: Iterator[int]) -> None:
        """Nothing happens before `begin`."""
        self.partition = partition
        self.phase = Phase.NEW
        self.epoch: int | None = None
        """The epoch that runs; None while nothing may be fetched or ingested."""
        self._settings = settings
        self._epochs = epochs
        self._draining = False
        self._attempt: _Attempt | None = None
        self._open = OpenRange(partition, 0, 0, 0)
        self._next_secondary = 0
        self._fence = False
        self._doubted = False
        self._leader_epoch = -1

    @property
    def busy(self) -> bool:
        """A commit is in flight: `cut` does nothing."""
        return self._attempt is not None

    @property
    def open_range(self) -> Range:
        """What was taken and is in no cut yet."""
        return self._open.range

    def begin(self) -> Effects:
        """The partition was assigned."""
        self.phase = Phase.REFRESHING
        return (Refresh(),)

    def refreshed(self, table: TableState, source: SourceState) -> Effects:
        """The answer to `Refresh`."""
        if self.phase is Phase.REFRESHING:
            return self._place(table, source)
        if self.phase is Phase.RUNNING and self._attempt is not None and self._attempt.looking:
            return self._look(self._attempt, table, source)
        return ()

    def origin_put(self) -> Effects:
        """The partition has an origin, ours or another's: what is read back rules."""
        if self.phase is not Phase.PUTTING_ORIGIN:
            return ()
        self.phase = Phase.REFRESHING
        return (Refresh(),)

    def take(
        self, epoch: int, fetch_offset: int, next_offset: int, *, counts: Counts, now: float, leader_epoch: int = -1
    ) -> Effects:
        """A batch of `[fetch_offset, next_offset)` was ingested. `now` is monotonic seconds.

        Every batch that reached the native writers must be taken, in order: a cut holds what was taken.
        """
        if epoch != self.epoch:
            return ()
        if 0 <= leader_epoch < self._leader_epoch:
            return self._stop(
                PositionError(
                    f"{self.partition}: leader epoch fell from {self._leader_epoch} to {leader_epoch} at offset "
                    f"{fetch_offset}: the log was truncated. Compare the topic with the table."
                )
            )
        self._leader_epoch = max(self._leader_epoch, leader_epoch)
        try:
            self._open.take(fetch_offset, next_offset, counts, now)
        except InternalError as error:
            return self._stop(error)
        return ()

    def cut(self, commit_id: str, now: float, *, dead_letter_rows: int, final: bool = False) -> Effects:
        """End the open range and commit it; `()` if there is nothing to commit, or a commit is in flight.

        `commit_id` must be new. `dead_letter_rows` are the rows in the open dead-letter file (not the count of dead
        letters: those that are there already are not written). A range without a row is carried for a while, so that
        a filtered stream does not become a stream of empty files; `final` commits it at once. Raises `InternalError` if
        dead letters were counted that no file holds.
        """
        found, settings = self._open, self._settings
        if self.epoch is None or self._attempt is not None or found.cursor <= found.start:
            return ()
        found.check_dead_letters(dead_letter_rows)
        wanted = final or found.counts.rows or dead_letter_rows
        if not (wanted or found.carried_enough(now, seconds=settings.carry_seconds, offsets=settings.carry_offsets)):
            return ()
        dead_letters = None
        if dead_letter_rows or self._fence:
            # One past the chain's end at least, or the file would have no name of its own: with the verdicts loaded
            # whenever this chain is ahead of main, its ends need not mean anything but order.
            dead_letters = Range(self._next_secondary, max(found.cursor, self._next_secondary + 1))
        cut = Cut(self.partition, self.epoch, found.range, commit_id, settings.plan, found.counts, found.gaps)
        self._attempt = _Attempt(cut, dead_letters)
        self._open = found.next()
        return (Write(cut, dead_letters),)

    def written(self, commit_id: str) -> Effects:
        """The cut's files are durable, and invisible."""
        attempt = self._attempt
        if attempt is None or attempt.cut.commit_id != commit_id or attempt.putting is not None:
            return ()
        return self._put(replace(attempt, putting="main" if attempt.dead_letters is None else "dead_letter"))

    def put_done(self, commit_id: str, table: Table, outcome: Outcome) -> Effects:
        """The answer to `Put`.

        `Lost` is looked at like `Unknown`: it may be an own earlier put that won, unanswered or retried by a client
        library.
        """
        attempt = self._attempt
        if attempt is None or (attempt.cut.commit_id, attempt.putting, attempt.looking) != (commit_id, table, False):
            return ()
        if isinstance(outcome, Committed):
            return self._visible(attempt)
        self._attempt = replace(attempt, looking=True)
        return (Refresh(),)

    def rewind(self) -> Effects:
        """Drop what is not committed and begin again at the table's position.

        For a failed write, an offset out of range, a damaged batch. A put in flight may still land: the next meets it.
        """
        if self.phase is not Phase.RUNNING:
            return ()
        effects = self._drop()
        if self._draining:
            self.phase = Phase.ENDED
            return effects
        self.phase = Phase.REFRESHING
        return (*effects, Refresh())

    def drain(self) -> None:
        """The partition will be left soon: from now on whatever would (re)begin ends the assignment instead.

        What was fetched may still be taken and cut; call `leave` when it is committed or the time is up.
        """
        self._draining = True
        if self.phase is not Phase.RUNNING:
            self.phase = Phase.ENDED

    def leave(self) -> Effects:
        """Revoked, lost or stopped: nothing more is put. A put in flight may land, if nobody advanced the partition."""
        effects = self._drop()
        self.phase = Phase.ENDED
        return effects

    def _place(self, table: TableState, source: SourceState) -> Effects:
        try:
            found = place(self.partition, self._settings.plan, table, source, self._settings.on_gap)
        except PositionError as error:
            if self._doubted:
                return self._stop(error)
            # What was read one after the other may not fit because another worker committed in between.
            self._doubted = True
            self.phase = Phase.REFRESHING
            return (Refresh(),)
        self._doubted = False
        if found is None:
            self.phase = Phase.PUTTING_ORIGIN
            return (PutOrigin(source.start),)
        return self._run(found)

    def _run(self, found: Place) -> Effects:
        self.phase = Phase.RUNNING
        self.epoch = epoch = next(self._epochs)
        self._open = OpenRange(self.partition, found.start, found.offset, found.next_secondary, found.gaps)
        self._next_secondary = found.next_secondary
        self._fence = found.fence
        return (Begin(epoch, found.offset, found.gaps, found.next_secondary, found.verdicts),)

    def _look(self, attempt: _Attempt, table: TableState, source: SourceState) -> Effects:
        """Decide a put whose answer told nothing. A commit is ours only if both id and range are this attempt's."""
        newest = table.main if attempt.putting == "main" else table.secondary
        if newest is not None and (newest.commit_id, newest.range) == (attempt.cut.commit_id, attempt.range):
            return self._visible(attempt)
        if (table.origin if newest is None else newest.end) == attempt.range.start:
            return self._put(replace(attempt, looking=False, number=attempt.number + 1))
        effects = self._drop()
        if self._draining:
            self.phase = Phase.ENDED
            return effects
        return (*effects, *self._place(table, source))

    def _put(self, attempt: _Attempt) -> Effects:
        self._attempt = attempt
        table: Table = attempt.putting or "main"
        return (Put(table, attempt.cut, attempt.range, attempt.number),)

    def _visible(self, attempt: _Attempt) -> Effects:
        if attempt.putting == "dead_letter":
            self._next_secondary = attempt.range.end
            self._fence = False
            return self._put(replace(attempt, putting="main", looking=False, number=1))
        self._attempt = None
        return (Ack(attempt.range.end, attempt.cut.commit_id),)

    def _drop(self) -> Effects:
        """Discard the whole cut in flight and the open range: files may hold rows of both."""
        epoch, self.epoch, self._attempt = self.epoch, None, None
        return () if epoch is None else (Discard(epoch),)

    def _stop(self, error: PenstockError) -> Effects:
        effects = self._drop()
        self.phase = Phase.ENDED
        return (*effects, Stop(error))
