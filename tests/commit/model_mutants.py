"""The protocol with one rule taken out, each. The model must notice every one."""

from __future__ import annotations

from dataclasses import replace
from math import inf
from sys import maxsize
from typing import TYPE_CHECKING

from penstock.batch import Committed, Lost, Range
from penstock.commit.effects import Ack, Discard, Write
from penstock.commit.position import Place
from penstock.commit.protocol import Assignment, Phase

if TYPE_CHECKING:
    from collections.abc import Iterator

    from penstock.batch import Counts, Outcome, Partition
    from penstock.commit.effects import Effects, Table
    from penstock.commit.position import SourceState, TableState
    from penstock.commit.protocol import Settings, _Attempt


class LostIsFinalAfterTimeout(Assignment):
    """A put is sent again blindly, and a name that is taken then is held for the own one."""

    def put_done(self, commit_id: str, table: Table, outcome: Outcome) -> Effects:
        attempt = self._attempt
        if attempt is None or attempt.putting != table or attempt.cut.commit_id != commit_id:
            return ()
        if isinstance(outcome, Committed) or (isinstance(outcome, Lost) and attempt.number > 1):
            return self._visible(attempt)
        if isinstance(outcome, Lost):
            return super().put_done(commit_id, table, outcome)
        return self._put(replace(attempt, number=attempt.number + 1))


class NoAnswerIsSuccess(Assignment):
    """A put without an answer counts as done."""

    def put_done(self, commit_id: str, table: Table, outcome: Outcome) -> Effects:
        end = self._attempt.range.end if self._attempt else 0
        return super().put_done(commit_id, table, outcome if isinstance(outcome, Lost) else Committed(end))


class OursByIdOnly(Assignment):
    """Whatever bears our commit id is this attempt."""

    def _look(self, attempt: _Attempt, table: TableState, source: SourceState) -> Effects:
        newest = table.main if attempt.putting == "main" else table.secondary
        if newest is not None and newest.commit_id == attempt.cut.commit_id:
            return self._visible(attempt)
        return super()._look(attempt, table, source)


class OursByRangeOnly(Assignment):
    """Whatever has our range is this attempt."""

    def _look(self, attempt: _Attempt, table: TableState, source: SourceState) -> Effects:
        newest = table.main if attempt.putting == "main" else table.secondary
        if newest is not None and newest.range == attempt.range:
            return self._visible(attempt)
        return super()._look(attempt, table, source)


class PositionFromKafka(Assignment):
    """The group's committed offset is the position."""

    def _run(self, found: Place) -> Effects:
        if self.acknowledged is not None:
            found = replace(found, start=self.acknowledged, offset=self.acknowledged)
        return super()._run(found)

    acknowledged: int | None = None

    def _place(self, table: TableState, source: SourceState) -> Effects:
        self.acknowledged = source.acknowledged.offset if source.acknowledged else None
        return super()._place(table, source)


class AckBeforeCommit(Assignment):
    """The group's offset is moved when the files are written."""

    def written(self, commit_id: str) -> Effects:
        attempt = self._attempt
        effects = super().written(commit_id)
        return (Ack(attempt.cut.range.end, commit_id), *effects) if attempt and effects else effects


class MainFirst(Assignment):
    """Main is put before the dead letters."""

    def written(self, commit_id: str) -> Effects:
        effects = super().written(commit_id)
        return self._put(replace(self._attempt, putting="main")) if self._attempt and effects else ()

    def _visible(self, attempt: _Attempt) -> Effects:
        if attempt.putting == "main" and attempt.dead_letters is not None:
            return self._put(replace(attempt, putting="dead_letter", looking=False, number=1))
        if attempt.putting == "dead_letter":
            self._next_secondary = attempt.range.end
        self._attempt = None
        return (Ack(attempt.cut.range.end, attempt.cut.commit_id),)


class SecondaryFollowsMain(Assignment):
    """A dead-letter file starts at main's position if that is further than its own chain."""

    def cut(self, commit_id: str, now: float, *, dead_letter_rows: int, final: bool = False) -> Effects:
        if self._attempt is None:
            self._next_secondary = max(self._next_secondary, self._open.start)
        return super().cut(commit_id, now, dead_letter_rows=dead_letter_rows, final=final)


class NoFence(Assignment):
    """A change of plan puts no dead-letter file of its own."""

    def _run(self, found: Place) -> Effects:
        return super()._run(replace(found, fence=False))


class NoVerdicts(Assignment):
    """What the dead-letter table already says is not loaded."""

    def _run(self, found: Place) -> Effects:
        return super()._run(replace(found, verdicts=None))


class VerdictsOnlyIfNewestPlanDiffers(Assignment):
    """What the dead-letter table already says is loaded only if its newest file is of another plan."""

    same = False

    def _place(self, table: TableState, source: SourceState) -> Effects:
        self.same = table.secondary is not None and table.secondary.plan == self._settings.plan
        return super()._place(table, source)

    def _run(self, found: Place) -> Effects:
        return super()._run(replace(found, verdicts=None) if self.same else found)


class SecondaryEndsWithCut(Assignment):
    """A dead-letter file ends at the cut's end, though its chain may be further."""

    def cut(self, commit_id: str, now: float, *, dead_letter_rows: int, final: bool = False) -> Effects:
        effects = super().cut(commit_id, now, dead_letter_rows=dead_letter_rows, final=final)
        attempt = self._attempt
        if not effects or attempt is None or attempt.dead_letters is None:
            return effects
        span = Range(attempt.dead_letters.start, attempt.cut.range.end)
        self._attempt = replace(attempt, dead_letters=span)
        return (Write(attempt.cut, span),)


class OwnOrigin(Assignment):
    """The start policy decides where to begin, not the origin that is read back."""

    proposed: int | None = None

    def _place(self, table: TableState, source: SourceState) -> Effects:
        if table.origin is None:
            self.proposed = source.start
        elif table.main is None and self.proposed is not None:
            table = replace(table, origin=self.proposed)
        return super()._place(table, source)


class TakesAnyOffset(Assignment):
    """A batch is taken wherever it starts."""

    def take(
        self, epoch: int, fetch_offset: int, next_offset: int, *, counts: Counts, now: float, leader_epoch: int = -1
    ) -> Effects:
        if epoch == self.epoch:
            self._open.cursor = fetch_offset
        return super().take(epoch, fetch_offset, next_offset, counts=counts, now=now, leader_epoch=leader_epoch)


class TakesAnyEpoch(Assignment):
    """A batch is taken whatever its epoch."""

    def take(
        self, epoch: int, fetch_offset: int, next_offset: int, *, counts: Counts, now: float, leader_epoch: int = -1
    ) -> Effects:
        del epoch
        return super().take(
            self.epoch or 0, fetch_offset, next_offset, counts=counts, now=now, leader_epoch=leader_epoch
        )


class KeepsRestOnLoss(Assignment):
    """A cut that lost is dropped, but what was fetched after it is kept."""

    def _look(self, attempt: _Attempt, table: TableState, source: SourceState) -> Effects:
        kept = self._open
        effects = super()._look(attempt, table, source)
        if not any(isinstance(effect, Discard) for effect in effects):
            return effects
        self.epoch, self._open = attempt.cut.epoch, kept
        return ()


class TwoCommitsInFlight(Assignment):
    """A cut does not wait for the outcome of the one before."""

    def cut(self, commit_id: str, now: float, *, dead_letter_rows: int, final: bool = False) -> Effects:
        self._attempt = None
        return super().cut(commit_id, now, dead_letter_rows=dead_letter_rows, final=final)


class CarriesForEver(Assignment):
    """A range without a row is never committed."""

    def __init__(self, partition: Partition, settings: Settings, epochs: Iterator[int]) -> None:
        super().__init__(partition, replace(settings, carry_seconds=inf, carry_offsets=maxsize), epochs)


class CarriesNothing(Assignment):
    """A range without a row is committed at once."""

    def __init__(self, partition: Partition, settings: Settings, epochs: Iterator[int]) -> None:
        super().__init__(partition, replace(settings, carry_seconds=0.0), epochs)


class SkipsGap(Assignment):
    """After retention passed the position, the next range starts at what is left."""

    def _run(self, found: Place) -> Effects:
        return super()._run(replace(found, start=found.offset, gaps=()))


class FollowsTruncation(Assignment):
    """A position beyond the end of the topic is moved to the end."""

    def _place(self, table: TableState, source: SourceState) -> Effects:
        if table.main is None or table.main.end <= source.high:
            return super()._place(table, source)
        return self._run(Place(source.high, source.high, (), source.high, None, fence=False))


class StartsEmptyTableAgain(Assignment):
    """That the group knows of commits the table has not is no reason to stop."""

    def _place(self, table: TableState, source: SourceState) -> Effects:
        return super()._place(table, replace(source, acknowledged=None))


class PutsAfterLeaving(Assignment):
    """An assignment that was left goes on with its commit."""

    def leave(self) -> Effects:
        return ()


class RewindsBlindly(Assignment):
    """A rewind goes back to where the open range began, without reading the table."""

    def rewind(self) -> Effects:
        if self.phase is not Phase.RUNNING:
            return ()
        epoch, start = self.epoch, self._open.start
        self._attempt = None
        if epoch is None:
            return ()
        return (Discard(epoch), *self._run(Place(start, start, (), self._next_secondary, None, fence=False)))


class BelievesFirstReading(Assignment):
    """A position that does not fit stops the partition at once."""

    def _place(self, table: TableState, source: SourceState) -> Effects:
        self._doubted = True
        return super()._place(table, source)
