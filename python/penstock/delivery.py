"""One partition from its assignment to its commits: carries out what the delivery protocol asks for.

The protocol decides (`commit/protocol.py`); this module waits: for the tables, the source, the core and the storage.
"""

from __future__ import annotations

import threading
import uuid
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from penstock.batch import Committed, Counts, Range, Unknown
from penstock.commit.effects import Ack, Begin, Discard, Put, PutOrigin, Refresh, Stop, Write
from penstock.commit.protocol import Assignment, Phase, Settings
from penstock.errors import PositionError
from penstock.failpoint import reach
from penstock.patience import Patience
from penstock.sink.storage import OutageError
from penstock.telemetry.log import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from penstock._native import Chunk, Engine, OpenFile
    from penstock.batch import Cut, Outcome, Partition
    from penstock.commit.effects import Effect, Effects, Table
    from penstock.commit.position import SourceState
    from penstock.commit.tables import Tables
    from penstock.errors import PenstockError
    from penstock.sink.data_file import DataFile
    from penstock.telemetry.metrics import Metrics

log = get_logger("penstock.commit")

TABLES: tuple[Table, Table] = ("main", "dead_letter")
T = TypeVar("T")


class Host(Protocol):
    """What a delivery uses of the pipeline around it."""

    @property
    def engine(self) -> Engine:
        """The core."""

    @property
    def tables(self) -> Tables:
        """Where the partition is delivered to."""

    @property
    def metrics(self) -> Metrics:
        """Where it is counted."""

    def now(self) -> float:
        """Monotonic seconds."""

    async def native(self, call: Callable[..., T], *args: Any) -> T:
        """Run a call of the core off the event loop."""

    async def storage(self, call: Callable[..., T], *args: Any) -> T:
        """Run a call that touches storage off the event loop."""

    async def source_state(self, partition: Partition) -> SourceState:
        """What the source says about `partition` now. Waits out a broker that is down."""

    async def same_topic(self, partition: Partition) -> bool:
        """Whether all that was fetched of `partition` so far is of its topic id. Waits out a broker that is down."""

    def seek(self, partition: Partition, offset: int, epoch: int) -> bool:
        """Begin to fetch; False if the partition is not ours any more."""

    def committed(self, cut: Cut, file_bytes: int) -> None:
        """`cut` is visible and ours, in files of `file_bytes` together."""

    def faulted(self, partition: Partition, error: PenstockError) -> None:
        """`partition` is stopped."""


@dataclass(slots=True, eq=False)
class _Open:
    """The files of one range, from its first finished row group on.

    They are written and removed on storage threads, by whoever holds `writing`: a descriptor that is closed below a
    writer may be another file's when it writes.
    """

    commit_id: str = field(default_factory=lambda: uuid.uuid4().hex)
    since: float | None = None
    """Monotonic seconds of its first batch."""
    files: dict[Table, DataFile] = field(default_factory=dict)
    writing: threading.Lock = field(default_factory=threading.Lock)
    dropped: bool = False
    """From then on nothing is written to them."""

    def drop(self) -> None:
        """Remove the files; waits for what is being written."""
        self.dropped = True
        with self.writing:
            for file in self.files.values():
                file.discard()


@dataclass(slots=True, eq=False)
class _Sealed:
    """A fixed range on its way to its commit: its files, and the bytes that are still in memory."""

    write: Write
    open: _Open
    chunks: dict[Table, list[Chunk]]
    since: float
    """Monotonic seconds of the cut."""

    @property
    def memory_bytes(self) -> int:
        return sum(len(chunk) for chunks in list(self.chunks.values()) for chunk in chunks)


@dataclass(slots=True)
class OpenSize:
    """What a delivery has open in the core, over both tables."""

    rows: int = 0
    dead_letter_rows: int = 0
    file_bytes: int = 0
    memory_bytes: int = 0

    def add(self, file: OpenFile) -> None:
        """Count one file of it."""
        self.memory_bytes += file.memory_bytes
        self.file_bytes += file.file_bytes
        if file.table == "main":
            self.rows += file.rows
        else:
            self.dead_letter_rows += file.rows


class Delivery:
    """One partition while it is assigned. Lives on the event loop; `close` or `leave` ends it."""

    def __init__(self, partition: Partition, settings: Settings, epochs: Iterator[int], host: Host) -> None:
        self.partition = partition
        self.assignment = Assignment(partition, settings, epochs)
        self._host = host
        self._patience = Patience(f"{partition}: writing to the sink")
        self._reading = Patience(f"{partition}: reading the sink")
        """Apart from writing: a full disk can be read, which must not look like progress."""
        self._open = _Open()
        self._sealed: _Sealed | None = None
        self._opened: int | None = None
        """The epoch that is open in the core. The protocol's runs ahead of it while verdicts are loaded."""
        self._uncommitted_since: float | None = None
        """Monotonic seconds of the first batch after the last commit, whatever was dropped and read again since."""
        self.size = OpenSize()
        """As the pipeline last saw it."""
        self.taken = Counts()
        """All that was ingested, committed or not."""

    # ---- events

    async def begin(self) -> None:
        """The partition was assigned: find its position and start to fetch."""
        await self._perform(self.assignment.begin())

    async def take(self, epoch: int, start: int, end: int, counts: Counts) -> None:
        """What was fetched as `epoch` from `start` up to `end` was ingested."""
        now = self._host.now()
        self._open.since = now if self._open.since is None else self._open.since
        self._uncommitted_since = self._open.since if self._uncommitted_since is None else self._uncommitted_since
        self.taken += counts
        await self._perform(self.assignment.take(epoch, start, end, counts=counts, now=now))

    async def rewind(self) -> None:
        """Drop what is not committed and begin again at the table's position."""
        await self._perform(self.assignment.rewind())

    async def leave(self) -> None:
        """The partition is not ours any more: whatever is not committed is dropped."""
        await self._perform(self.assignment.leave())

    # ---- from open rows to a commit

    def age(self, now: float) -> float:
        """Seconds since the open range began; `now` is monotonic."""
        return 0.0 if self._open.since is None else now - self._open.since

    def uncommitted_seconds(self, now: float) -> float:
        """For how long something that was read waits for its commit; `now` is monotonic."""
        return 0.0 if self._uncommitted_since is None else now - self._uncommitted_since

    @property
    def failing(self) -> str | None:
        """What the sink says that is waited for; None while it works."""
        return self._patience.failing or self._reading.failing

    @property
    def idle(self) -> bool:
        """Whether it runs and all that was taken is committed."""
        assignment = self.assignment
        open_range = assignment.open_range
        return assignment.phase is Phase.RUNNING and not assignment.busy and open_range.start == open_range.end

    @property
    def sealed_bytes(self) -> int:
        """Bytes in memory that are sealed and not stored yet; the core counts the rest."""
        return 0 if self._sealed is None else self._sealed.memory_bytes

    async def store_finished(self) -> None:
        """Move the finished row groups of the open files to storage."""
        epoch, open_ = self.assignment.epoch, self._open
        if epoch is None or epoch != self._opened:
            return
        for table in TABLES:
            chunks = self._host.engine.take(table, self.partition.topic, self.partition.number, epoch)
            if chunks:
                try:
                    # A commit that is lost meanwhile ends the epoch: what was taken of it must not reach the next one.
                    await self._host.storage(self._append, open_, table, chunks)
                except OutageError as error:
                    if not open_.dropped:
                        await self._retry_later(error)
                    return

    async def seal(self, *, final: bool) -> bool:
        """Fix the open range and end its files in the core; `commit` does the rest. False if there is nothing to do.

        Must not run beside an ingest: what is ingested afterwards belongs to the next range.
        """
        effects = self.assignment.cut(
            self._open.commit_id, self._host.now(), dead_letter_rows=self.size.dead_letter_rows, final=final
        )
        for write in effects:
            assert isinstance(write, Write)  # noqa: S101 - `cut` answers with nothing else
            reach("after_cut")
            sealed = _Sealed(write, self._open, {}, self._host.now())
            self._sealed, self._open = sealed, _Open()
            for table, span in _spans(write).items():
                footer = self._host.tables.footer(table, write.cut, span)
                key = (table, self.partition.topic, self.partition.number, write.cut.epoch)
                sealed.chunks[table] = await self._host.native(self._host.engine.seal, *key, footer)
        return bool(effects)

    async def commit(self) -> None:
        """Store what `seal` fixed and make it visible."""
        sealed = self._sealed
        if sealed is None:
            return
        try:
            await self._host.storage(self._store, sealed)
        except OutageError as error:
            await self._retry_later(error)
        else:
            self._patience.reset()
            reach("before_commit")
            await self._perform(self.assignment.written(sealed.write.cut.commit_id))
        finally:
            self._sealed = None
            await self._host.storage(sealed.open.drop)

    def _store(self, sealed: _Sealed) -> None:
        with sealed.open.writing:
            for table, span in _spans(sealed.write).items():
                if sealed.open.dropped:
                    return
                file = self._file(sealed.open, table, span.start)
                _append(file, sealed.chunks.pop(table))
                file.finish()

    def _append(self, open_: _Open, table: Table, chunks: list[Chunk]) -> None:
        with open_.writing:
            if not open_.dropped:
                _append(self._file(open_, table, self.assignment.open_range.start), chunks)

    def _file(self, open_: _Open, table: Table, start: int) -> DataFile:
        if table not in open_.files:
            open_.files[table] = self._host.tables.create(table, self.partition, start, open_.commit_id)
        return open_.files[table]

    # ---- effects

    async def _perform(self, effects: Effects) -> None:
        pending = deque(effects)
        while pending:
            pending.extend(await self._carry_out(pending.popleft()))

    async def _carry_out(self, effect: Effect) -> Effects:
        match effect:
            case Refresh():
                return await self._refresh()
            case PutOrigin(offset):
                return await self._put_origin(offset)
            case Begin():
                return await self._begin(effect)
            case Put():
                return await self._put(effect)
            case Ack():
                return self._committed(effect)
            case Discard(epoch):
                await self._discard(epoch)
            case Stop(error):
                self._host.faulted(self.partition, error)
            case Write():
                raise TypeError(effect)
        return ()

    async def _refresh(self) -> Effects:
        try:
            table = await self._stored(self._host.tables.refresh, self.partition)
        except PositionError as error:
            return (*self.assignment.leave(), Stop(error))
        # After the table: see `Refresh`.
        source = await self._host.source_state(self.partition)
        return self.assignment.refreshed(table, source)

    async def _put_origin(self, offset: int) -> Effects:
        await self._stored(self._host.tables.put_origin, self.partition, offset)
        return self.assignment.origin_put()

    async def _begin(self, begin: Begin) -> Effects:
        verdicts = None
        if begin.load_verdicts is not None:
            verdicts = await self._stored(self._host.tables.load_verdicts, self.partition, begin.load_verdicts)
        if self.assignment.epoch != begin.epoch:
            return ()
        topic, number = self.partition.topic, self.partition.number
        self._host.engine.open(topic, number, begin.epoch, begin.dead_letters_from, verdicts)
        self._opened = begin.epoch
        for gap in begin.gaps:
            log.warning(
                "Retention deleted offsets that were not committed; the table records the gap.",
                partition=str(self.partition),
                start=gap.start,
                end=gap.end,
            )
        if not self._host.seek(self.partition, begin.offset, begin.epoch):
            return self.assignment.leave()
        log.info("Partition begins.", partition=str(self.partition), offset=begin.offset, epoch=begin.epoch)
        return ()

    async def _put(self, put: Put) -> Effects:
        sealed = self._sealed
        if put.attempt > 1:
            await self._patience.wait(f"{self.partition}: the outcome of a commit is not known")
        if not await self._host.same_topic(self.partition):
            return (*self.assignment.leave(), Stop(_recreated(self.partition)))
        if sealed is None or self.assignment.phase is Phase.ENDED:
            return ()
        try:
            outcome = await self._host.storage(self._publish, put, sealed.open.files[put.table])
        except OutageError as error:
            outcome = Unknown(str(error))
        self._host.metrics.put_answered(put.table, outcome)
        if isinstance(outcome, Committed):
            self._patience.reset()
            reach("after_commit")
        else:
            log.warning(
                "Commit is not certain; the table is read again.",
                partition=str(self.partition),
                start=put.range.start,
                end=put.range.end,
                outcome=str(outcome),
            )
        return self.assignment.put_done(put.cut.commit_id, put.table, outcome)

    def _publish(self, put: Put, file: DataFile) -> Outcome:
        outcome = self._host.tables.put(put.table, file, put.cut, put.range)
        reach("during_commit")
        return outcome

    def _committed(self, ack: Ack) -> Effects:
        sealed = self._sealed
        self._uncommitted_since = self._open.since
        if sealed is not None and sealed.write.cut.commit_id == ack.commit_id:
            self._host.metrics.commit_seconds.observe(self._host.now() - sealed.since)
            self._host.committed(sealed.write.cut, sum(file.bytes_written for file in sealed.open.files.values()))
        return ()

    async def _discard(self, epoch: int) -> None:
        open_, self._open = self._open, _Open()
        open_.dropped = True  # A thread may be writing: what it has not begun is not worth it any more.
        await self._host.native(self._host.engine.discard, self.partition.topic, self.partition.number, epoch)
        await self._host.storage(open_.drop)

    async def _stored(self, call: Callable[..., T], *args: Any) -> T:
        """A call that may be repeated, until it works or patience ends."""
        while True:
            try:
                result = await self._host.storage(call, *args)
            except OutageError as error:
                await self._reading.wait(error)
            else:
                self._reading.reset()
                return result

    async def _retry_later(self, error: Exception) -> None:
        """A write failed: what it held is fetched again, after a while."""
        effects = self.assignment.rewind()
        await self._perform(tuple(effect for effect in effects if isinstance(effect, Discard)))
        await self._patience.wait(error)
        await self._perform(tuple(effect for effect in effects if not isinstance(effect, Discard)))


def _append(file: DataFile, chunks: list[Chunk]) -> None:
    if chunks:
        file.append(chunks, start=chunks[0].start)


def _spans(write: Write) -> dict[Table, Range]:
    """The tables that a cut writes a file of, with its range there; the dead letters first."""
    spans: dict[Table, Range] = {"main": write.cut.range}
    return spans if write.dead_letters is None else {"dead_letter": write.dead_letters, **spans}


def _recreated(partition: Partition) -> PositionError:
    return PositionError(
        f"{partition}: the topic was deleted and created again (its id is not {partition.topic_id} any more). "
        "What is committed stays as it is; write the new topic to a new table."
    )
