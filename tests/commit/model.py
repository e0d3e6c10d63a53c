"""A world for the delivery protocol: a source, two tables, a network, and drivers that may die.

The driver does what a real one does, one step at a time, so that a test decides what happens in between. Puts are
requests: they land when the test says so, also after their sender timed out, moved on or died.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Literal

from penstock.batch import Committed, Counts, Lost, Outcome, Partition, Range, Unknown
from penstock.commit.effects import Ack, Begin, Discard, Effect, Put, PutOrigin, Refresh, Stop, Table, Write
from penstock.commit.position import Acknowledged, LastCommit, SourceState, TableState, start_offset
from penstock.commit.protocol import Assignment, Phase, Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from penstock.batch import Cut, Gap
    from penstock.errors import PenstockError

PARTITION = Partition("cluster", "events", "topic-id", 0)
CARRY_OFFSETS = 6

# A record's kind: the plans that reject it, and what it is for the others. "-" is an offset without a record.
KINDS = {
    "r": ("", "row"),
    "d": ("ABC", "row"),
    "f": ("", "filtered"),
    "t": ("", "tombstone"),
    "x": ("B", "row"),
    "y": ("A", "row"),
    "z": ("B", "filtered"),
    "w": ("C", "row"),
}


def verdict(plan: str, kind: str) -> str:
    """What a plan makes of a record."""
    rejecting, otherwise = KINDS[kind]
    return "dead" if plan in rejecting else otherwise


class Violation(AssertionError):  # noqa: N818 (it is what a check finds, not an error of the program)
    """An invariant does not hold."""


@dataclass(frozen=True)
class File:
    """A committed (or sealed) file. `verdicts` are main's, by offset; `keys` the dead letters' offsets."""

    commit_id: str
    range: Range
    plan: str
    verdicts: dict[int, str] = field(default_factory=dict)
    keys: tuple[int, ...] = ()
    gaps: tuple[Gap, ...] = ()
    counts: Counts = field(default_factory=Counts)


class Directory:
    """A table whose compare-and-swap is the absence of a name made of the start."""

    def __init__(self, *, cas: bool = True) -> None:
        self.cas = cas
        self.files: list[File] = []

    def put(self, file: File) -> Outcome:
        if self.cas and any(file.range.start == other.range.start for other in self.files):
            return Lost()
        self.files.append(file)
        return Committed(file.range.end)

    def newest(self) -> LastCommit | None:
        if not self.files:
            return None
        file = max(self.files, key=lambda each: each.range.start)
        return LastCommit(file.commit_id, file.range, file.plan)


@dataclass
class Request:
    """A put under way. It may land more than once: client libraries retry."""

    table: Table
    file: File
    outcome: Outcome | None = None


class World:
    """Everything outside the workers."""

    def __init__(self, log: str = "", *, cas: bool = True) -> None:
        self.log = log
        self.low = 0
        self.cas = cas
        self.tables: dict[Table, Directory] = {"main": Directory(cas=cas), "dead_letter": Directory(cas=cas)}
        self.origin: int | None = None
        self.acknowledged: Acknowledged | None = None
        self.requests: list[Request] = []
        self.clock = 0.0

    @property
    def high(self) -> int:
        return len(self.log)

    @property
    def next_main(self) -> int:
        newest = self.tables["main"].newest()
        return newest.end if newest else self.origin or 0

    def land(self, request: Request) -> None:
        request.outcome = self.tables[request.table].put(request.file)

    def visible_keys(self) -> list[int]:
        return [key for file in self.tables["dead_letter"].files for key in file.keys]

    def verdicts(self) -> dict[int, str]:
        return {offset: found for file in self.tables["main"].files for offset, found in file.verdicts.items()}

    def check(self, *, one_verdict: bool) -> None:
        """Invariants I1, I2, I4, I5 over what is visible. I3 is checked at each acknowledgement."""
        for table, directory in self.tables.items():
            end = self.origin
            for file in directory.files:
                if file.range.start != end or file.range.end <= file.range.start:
                    raise Violation(f"I1: {table} {file.range} follows {end}")
                end = file.range.end
        keys = self.visible_keys()
        if len(keys) != len(set(keys)):
            raise Violation(f"I4: twice among dead letters: {keys}")
        for file in self.tables["main"].files:
            self._check_accounts(file)
            self._check_verdicts(file, set(keys), one_verdict=one_verdict)

    def _check_accounts(self, file: File) -> None:
        tally = Counter(file.verdicts.values())
        found = Counts(tally.total(), tally["row"], tally["dead"], tally["filtered"], tally["tombstone"])
        if found != file.counts:
            raise Violation(f"I5: {file.counts} counted, {found} found")
        if any(not file.range.start <= offset < file.range.end for offset in file.verdicts):
            raise Violation(f"I2: {file.range} holds {sorted(file.verdicts)}")

    def _check_verdicts(self, file: File, keys: set[int], *, one_verdict: bool) -> None:
        lacking = {offset for gap in file.gaps for offset in range(gap.start, gap.end)}
        for offset in range(*file.range):
            if self.log[offset] == "-" or offset in lacking:
                continue
            found = file.verdicts.get(offset)
            if found is None or (found == "dead" and offset not in keys):
                raise Violation(f"lost: offset {offset}, verdict {found}")
            if one_verdict and found != "dead" and offset in keys:
                raise Violation(f"two verdicts: offset {offset} is {found} and a dead letter")


@dataclass
class Native:
    """The native writers of one epoch."""

    dead_letters_from: int
    known: frozenset[int] | None
    verdicts: dict[int, str] = field(default_factory=dict)
    keys: list[int] = field(default_factory=list)

    def ingest(self, plan: str, log: str, span: Range) -> Counts:
        tally: Counter[str] = Counter()
        for offset in range(*span):
            if log[offset] == "-":
                continue
            found = verdict(plan, log[offset])
            if self.known is not None and offset in self.known:
                found = "dead"
            elif found == "dead" and (offset >= self.dead_letters_from or self.known is not None):
                self.keys.append(offset)
            self.verdicts[offset] = found
            tally[found] += 1
        return Counts(tally.total(), tally["row"], tally["dead"], tally["filtered"], tally["tombstone"])


Start = Literal["earliest", "latest"]


class Worker:
    """A driver with its process' memory; `crash` forgets it, `boot` begins again."""

    def __init__(
        self,
        world: World,
        name: str,
        *,
        plan: str = "A",
        start: Start = "earliest",
        on_gap: Literal["fail", "record"] = "record",
        assignment: type[Assignment] = Assignment,
    ) -> None:
        self.world, self.name, self.plan, self.start = world, name, plan, start
        self.on_gap: Literal["fail", "record"] = on_gap
        self.commit_ids: Iterator[str] = (f"{name}-{number}" for number in count(1))
        self.assignment_class = assignment
        self.crash()

    def crash(self) -> None:
        self.alive = False
        self.faults: list[PenstockError] = []
        self.effects: deque[Effect] = deque()
        self.native: dict[int, Native] = {}
        self.sealed: dict[Table, File] = {}
        self.batches: deque[tuple[int, Range]] = deque()
        self.position = 0
        self.half_read: tuple[LastCommit | None, bool] | None = None
        self.origin_sent = False
        self.unanswered_write: str | None = None
        self.request: Request | None = None

    def boot(self) -> Worker:
        self.alive = True
        settings = Settings(self.plan, self.on_gap, carry_offsets=CARRY_OFFSETS)
        self.assignment = self.assignment_class(PARTITION, settings, count(1))
        self.effects.extend(self.assignment.begin())
        return self

    # Control: effects and their answers.

    def work(self, *, main_first: bool = True) -> bool:
        """Carry out one effect, or bring one answer that needs nobody else. False if there is none."""
        if self.effects:
            self.carry_out(self.effects.popleft(), main_first=main_first)
        elif self.half_read is not None:
            self.answer_refresh()
        elif self.origin_sent:
            self.origin_sent = False
            self.tell(self.assignment.origin_put())
        elif self.unanswered_write is not None:
            written, self.unanswered_write = self.unanswered_write, None
            self.tell(self.assignment.written(written))
        elif self.request is not None and self.request.outcome is not None:
            self.answer(self.request.outcome)
        else:
            return False
        return True

    def tell(self, effects: tuple[Effect, ...]) -> None:
        self.effects.extend(effects)
        while self.effects and isinstance(self.effects[0], Write | Discard | Stop):  # What must not wait.
            self.carry_out(self.effects.popleft())

    def carry_out(self, effect: Effect, *, main_first: bool = True) -> None:
        world = self.world
        match effect:
            case Refresh():
                table: Table = "main" if main_first else "dead_letter"
                self.half_read = (world.tables[table].newest(), main_first)
            case PutOrigin(offset):
                world.origin = offset if world.origin is None or not world.cas else world.origin
                self.origin_sent = True
            case Begin():
                self.native[effect.epoch] = Native(effect.dead_letters_from, self.load(effect.load_verdicts))
                self.position = effect.offset
            case Write(cut, dead_letters):
                self.seal(cut, dead_letters)
            case Put(table, cut, _, _):
                self.request = Request(table, self.sealed[table])
                world.requests.append(self.request)
            case Ack(offset, commit_id):
                if offset > world.next_main:
                    raise Violation(f"I3: acknowledged {offset}, committed {world.next_main}")
                world.acknowledged = Acknowledged(offset, "table", commit_id)
            case Discard(epoch):
                self.native.pop(epoch, None)
                self.sealed, self.unanswered_write, self.request = {}, None, None
            case Stop(error):
                self.crash()
                self.faults.append(error)

    def answer_refresh(self) -> None:
        """The other table is read only now, then the origin, then the source."""
        if self.half_read is None:
            return
        (first, main_first), self.half_read = self.half_read, None
        second = self.world.tables["dead_letter" if main_first else "main"].newest()
        main, secondary = (first, second) if main_first else (second, first)
        self.tell(self.assignment.refreshed(TableState(self.world.origin, main, secondary), self.source()))

    def source(self) -> SourceState:
        low, high = self.world.low, self.world.high
        start = start_offset(self.start, low=low, high=high, group_offset=None, first_start=True)
        return SourceState(low, high, start, self.world.acknowledged)

    def load(self, wanted: Range | None) -> frozenset[int] | None:
        if wanted is None:
            return None
        files = [file for file in self.world.tables["dead_letter"].files if file.range.end > wanted.start]
        return frozenset(key for file in files for key in file.keys if wanted.start <= key < wanted.end)

    def seal(self, cut: Cut, dead_letters: Range | None) -> None:
        native = self.native[cut.epoch]
        main = File(cut.commit_id, cut.range, cut.plan, dict(native.verdicts), (), cut.gaps, cut.counts)
        self.sealed["main"] = main
        if dead_letters is not None:
            self.sealed["dead_letter"] = File(cut.commit_id, dead_letters, cut.plan, keys=tuple(native.keys))
            native.keys.clear()
        native.verdicts.clear()
        self.unanswered_write = cut.commit_id

    def answer(self, outcome: Outcome) -> None:
        """Bring an answer, true or not, to the put under way; the request may still land."""
        request, self.request = self.request, None
        if request is not None:
            self.tell(self.assignment.put_done(request.file.commit_id, request.table, outcome))

    def time_out(self) -> None:
        self.answer(Unknown("no answer"))

    # Data.

    def fetch(self, size: int) -> None:
        epoch = self.assignment.epoch
        if epoch is None or self.effects or self.position >= self.world.high:
            return
        if self.position < self.world.low:
            self.tell(self.assignment.rewind())
            return
        span = Range(self.position, min(self.position + size, self.world.high))
        self.batches.append((epoch, span))
        self.position = span.end

    def ingest(self) -> None:
        if not self.batches or self.effects:
            return
        epoch, span = self.batches.popleft()
        if epoch == self.assignment.epoch:
            counts = self.native[epoch].ingest(self.plan, self.world.log, span)
            self.tell(self.assignment.take(epoch, *span, counts=counts, now=self.world.clock))

    def read(self, size: int) -> None:
        self.fetch(size)
        while self.batches and not self.effects:
            self.ingest()

    def cut(self, *, final: bool = False) -> None:
        if self.effects or self.assignment.epoch is None:
            return
        rows = len(self.native[self.assignment.epoch].keys)
        self.tell(self.assignment.cut(next(self.commit_ids), self.world.clock, dead_letter_rows=rows, final=final))

    # Longer strides.

    def settle(self) -> None:
        """Work until nothing but the network is waited for."""
        for _ in range(100):
            if not self.alive or not self.work():
                return
        raise Violation("not live: the network is never waited for")

    def commit(self) -> None:
        """Settle; what is sent lands and is answered truthfully."""
        self.settle()
        for _ in range(20):
            if not self.alive or self.request is None:
                return
            if self.request.outcome is None:
                self.world.land(self.request)
            self.settle()
        raise Violation("not live: a put is made for ever")

    def run_to_end(self) -> None:
        """Liveness: undisturbed, a worker commits everything up to the end of the log."""
        for _ in range(20):
            self.commit()
            if not self.alive or self.assignment.phase is not Phase.RUNNING:
                break
            self.read(self.world.high)
            self.cut(final=True)
        if self.world.next_main != self.world.high:
            raise Violation(f"not live: {self.world.next_main} of {self.world.high} committed, {self.faults}")
