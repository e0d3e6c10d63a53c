"""The flow: source, decode, transform, sink, commit, on one screen (`Pipeline.run`). Everything else here serves it."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

from penstock import room
from penstock.batch import Counts
from penstock.commit.protocol import Phase, Settings
from penstock.delivery import Delivery, OpenSize
from penstock.errors import DeadLetterLimitError, GaveUpError
from penstock.failpoint import armed, reach
from penstock.frame_fault import LEADER_EPOCH_FELL, truncated
from penstock.health import held_bytes
from penstock.sink.storage import OutageError
from penstock.telemetry.log import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from penstock._native import Engine, Fault, OffsetRejection, Report
    from penstock.batch import Cut, Partition, RawBatch
    from penstock.commit.acknowledge import Acknowledger
    from penstock.commit.position import SourceState
    from penstock.commit.tables import Tables
    from penstock.dead_letter import DeadLetterLimit
    from penstock.errors import PenstockError
    from penstock.positions import Positions
    from penstock.sink.rotation import CutReason, Rotation
    from penstock.source.source import Source
    from penstock.telemetry.metrics import Metrics

log = get_logger("penstock.pipeline")

POLL_SECONDS = 0.2
REVOKE_SECONDS = 50.0
"""Below the source's rebalance timeout: a member that is later loses its place, and what it holds is read again."""

EARLY_CUT_AT = 0.7
"""Share of the memory limit from which the largest open file is cut early: open files hold the memory."""

SLOW_WAIT_AT = 0.5
"""Share of the memory limit from which partitions wait for their own commit, so that a slow one leaves others room."""

STORAGE_THREADS = 4
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Limits:
    """What a run goes by, beside the protocol's settings. Bytes and seconds."""

    memory_bytes: int
    shutdown_seconds: float
    continue_on_fault: bool
    max_records: int | None = None
    until_end: bool = False


@dataclass(slots=True)
class Totals:
    """What this run made visible."""

    counts: Counts = Counts()
    commits: int = 0
    bytes_in: int = 0
    """Bytes of record values that were decoded."""
    bytes_out: int = 0
    """Bytes of data files in visible commits."""


class Pipeline:
    """One run of one pipeline. Everything is called on the event loop; it is the source's `Owner` as well."""

    def __init__(
        self,
        source: Source,
        engine: Engine,
        tables: Tables,
        *,
        positions: Positions,
        settings: Settings,
        limits: Limits,
        rotation: Rotation,
        dead_letter_limit: DeadLetterLimit,
        acknowledger: Acknowledger,
        metrics: Metrics,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.engine = engine
        self.tables = tables
        self.metrics = metrics
        self.totals = Totals()
        self._source = source
        self._positions = positions
        self._settings = settings
        self._limits = limits
        self._rotation = rotation
        self._dead_letter_limit = dead_letter_limit
        self._acknowledger = acknowledger
        self.now = clock
        """Monotonic seconds, for the age of what is open."""
        self._deliveries: dict[Partition, Delivery] = {}
        self._epochs = itertools.count(1)
        self._engine_lock = asyncio.Lock()
        """Held while the core appends or seals: a cut's range and its rows are fixed together."""
        self._tasks: asyncio.TaskGroup
        self._commits: dict[Partition, asyncio.Task[None]] = {}
        self._native_threads = ThreadPoolExecutor(2, thread_name_prefix="native")
        self._storage_threads = ThreadPoolExecutor(STORAGE_THREADS, thread_name_prefix="storage")
        self._stopping = False
        self._decoded = 0
        self.fault: PenstockError | None = None
        """The first that stopped a partition."""
        self.faults: dict[Partition, PenstockError] = {}
        """Of the partitions that are ours and stopped."""
        self._truncated: dict[Partition, PenstockError] = {}
        """Those whose log turned out to have been truncated, until `_look_after` stops them."""
        self.peak_memory_bytes = 0
        """The most that open and sealed files held."""

    # ---- the flow

    async def run(self) -> None:
        """Until `stop`, the end or a fault. What can be committed is committed before it returns; then see `fault`.

        Raises what makes going on impossible; then nothing more is committed.
        """
        async with asyncio.TaskGroup() as self._tasks:
            beside = [self._tasks.create_task(work) for work in (self._acknowledger.run(), self._mind_topics())]
            await self._source.join(self)
            while not self._done():
                batches = await self._source.poll(POLL_SECONDS)  # source
                async with self._engine_lock:
                    await self._ingest(batches)  # decode, transform, encode: one native call
                    del batches  # what they were received into is free for the next answer
                    self._store()  # sink, in a task of its own per partition
                    await self._cut_due()  # commit, in a task of its own per partition
                    await self._make_room()
                await self._look_after()
            to_the_end = self._limits.until_end and not self._stopping and self._left() != 0
            left = await self._end(list(self._deliveries), self._limits.shutdown_seconds)
            if left and to_the_end:
                self._fail(_not_all(left))
            for task in beside:
                task.cancel()
        await self._acknowledger.flush()

    async def _ingest(self, batches: Sequence[RawBatch]) -> None:
        while batches and self._left() != 0:
            taken, batches = up_to(batches, self._left())
            current = [batch for batch in taken if self._takes(batch)]
            if current:
                await self._ingest_at_once(current)

    async def _ingest_at_once(self, current: Sequence[RawBatch]) -> None:
        reach("after_fetch")
        working = asyncio.ensure_future(self.native(self.engine.ingest, current))
        if armed():
            await asyncio.sleep(0)  # let the core begin
            reach("mid_decode")
        ingested = await working
        self.metrics.ingested(ingested.reports, ingested.rejections)
        for batch, report, rejections in zip(current, ingested.reports, ingested.rejections, strict=True):
            self.totals.bytes_in += report.bytes
            self._decoded += report.records
            delivery = self._deliveries.get(batch.partition)
            self._judge(batch.partition, report, rejections, delivery)
            counts = Counts(report.records, report.rows, report.dead_letters, report.filtered, report.tombstones)
            if delivery is not None and report.next_offset > batch.fetch_offset:
                await delivery.take(batch.epoch, batch.fetch_offset, report.next_offset, counts)
            if report.fault is not None and self._takes(batch):
                self._meet(batch.partition, report.fault)

    def _store(self) -> None:
        for delivery in self._deliveries.values():
            if delivery.take_finished():
                self._tasks.create_task(delivery.store())

    async def _cut_due(self) -> None:
        now = self.now()
        for delivery in self._sized():
            ended = self._source.finite and self._at_end(delivery)
            reason = "end" if ended else self._rotation.due(delivery.size, delivery.age(now))
            if reason is not None:
                await self._cut(delivery, reason)

    async def _cut(self, delivery: Delivery, reason: CutReason) -> None:
        if await delivery.seal(final=reason in ("memory", "end")):
            self.metrics.cuts.labels(reason).inc()
            self._commits[delivery.partition] = self._tasks.create_task(delivery.commit())

    def _sized(self) -> list[Delivery]:
        """All deliveries, knowing how much they have open."""
        sizes: dict[tuple[str, int, int], OpenSize] = defaultdict(OpenSize)
        for file in self.engine.open_files():
            sizes[file.topic, file.partition, file.epoch].add(file)
        deliveries = list(self._deliveries.values())
        for delivery in deliveries:
            epoch = delivery.assignment.epoch
            key = (delivery.partition.topic, delivery.partition.number, -1 if epoch is None else epoch)
            delivery.size = sizes[key]
        return deliveries

    async def _make_room(self) -> None:
        """Keep what is held below the memory limit: cut early, pause who is slow, all if nothing can be cut."""
        deliveries = self._sized()
        held = held_bytes(self._source, self.engine, deliveries)
        self.peak_memory_bytes = max(self.peak_memory_bytes, held)
        limit, before = self._limits.memory_bytes, self._source.paused
        slow = room.slow(deliveries, SLOW_WAIT_AT * limit)
        paused = slow if held >= SLOW_WAIT_AT * limit else slow & before
        if held >= EARLY_CUT_AT * limit:
            largest = room.largest(deliveries)
            paused |= before  # Who was paused goes on when there is room, not when something was cut.
            if largest is not None:
                log.info("Memory is short; the largest open file is cut early.", partition=str(largest.partition))
                await self._cut(largest, "memory")
            else:
                paused = set(self._deliveries)
                if not before >= paused:
                    log.warning("Memory is short and nothing can be cut; partitions are paused.", bytes=held)
        self._source.pause(paused)

    def _meet(self, partition: Partition, fault: Fault) -> None:
        """A batch of a frame can't be taken. It may have been damaged on its way, so it is fetched once more."""
        if fault.code == LEADER_EPOCH_FELL:
            self._truncated[partition] = truncated(partition, fault)
        else:
            self._source.refetch(partition, fault.offset, fault.message)

    # ---- the source's owner

    def assigned(self, partitions: Sequence[Partition]) -> None:
        """Begin to deliver `partitions`."""
        for partition in partitions:
            delivery = Delivery(partition, self._settings, self._epochs, self)
            self._deliveries[partition] = delivery
            self._tasks.create_task(delivery.begin())

    async def revoked(self, partitions: Sequence[Partition]) -> None:
        """Commit what fits into the time a rebalance leaves; drop the rest, its next owner reads it again."""
        log.info("Partitions are given back; what is open is committed.", partitions=" ".join(map(str, partitions)))
        await self._end(partitions, REVOKE_SECONDS)

    @property
    def deliveries(self) -> Collection[Delivery]:
        """Of the partitions that are ours now."""
        return self._deliveries.values()

    # ---- the deliveries' host

    async def native(self, call: Callable[..., T], *args: Any) -> T:
        """Run a call of the core off the event loop."""
        with self.metrics.native_seconds.labels(call.__name__).time():
            return await self._in(self._native_threads, call, args)

    async def storage(self, call: Callable[..., T], *args: Any) -> T:
        """Run a call that touches storage off the event loop."""
        try:
            with self.metrics.storage_seconds.time():
                return await self._in(self._storage_threads, call, args)
        except OutageError:
            self.metrics.storage_errors.inc()
            raise

    async def source_state(self, partition: Partition) -> SourceState:
        """What the source says about `partition` now."""
        return await self._positions.state(partition)

    async def same_topic(self, partition: Partition) -> bool:
        """Whether all that was fetched of `partition` so far is of its topic id."""
        return await self._positions.same_topic(partition)

    def seek(self, partition: Partition, offset: int, epoch: int) -> bool:
        """Begin to fetch `partition`."""
        return self._source.seek(partition, offset, epoch)

    def committed(self, cut: Cut, file_bytes: int) -> None:
        """`cut` is visible and ours."""
        self.metrics.committed(cut, file_bytes)
        self.totals.counts += cut.counts
        self.totals.commits += 1
        self.totals.bytes_out += file_bytes
        self._acknowledger.committed(cut.partition, cut.range.end, cut.commit_id)
        log.info(
            "Committed.",
            partition=str(cut.partition),
            start=cut.range.start,
            end=cut.range.end,
            rows=cut.counts.rows,
            dead_letters=cut.counts.dead_letters,
            bytes=file_bytes,
        )

    def faulted(self, partition: Partition, error: PenstockError) -> None:
        """Keep the others going, or stop them in order."""
        log.error("Partition is stopped.", partition=str(partition), error=str(error))
        self._source.release(partition)
        self.faults[partition] = error
        self._fail(error)

    # ---- the end

    def stop(self) -> None:
        """End soon: what is open is committed first."""
        self._stopping = True

    @property
    def stopping(self) -> bool:
        """What is open is committed, nothing more is read."""
        return self._stopping

    def _done(self) -> bool:
        if self._stopping or self._left() == 0:
            return True
        if self._source.finite:
            # Others were left when they were committed up to their end.
            left = all(delivery.assignment.phase is Phase.ENDED for delivery in self._deliveries.values())
            return self._source.settled and left
        # What can't be stored is read again, and then the end is ahead again.
        stored = all(self._at_end(delivery) and not delivery.storing for delivery in self._deliveries.values())
        return self._limits.until_end and self._source.settled and stored

    def _at_end(self, delivery: Delivery) -> bool:
        assignment = delivery.assignment
        if assignment.phase is Phase.ENDED:
            return True
        end = self._source.end(delivery.partition)
        return assignment.phase is Phase.RUNNING and end is not None and assignment.open_range.end >= end

    async def _end(self, partitions: Iterable[Partition], seconds: float) -> list[Partition]:
        """Commit what is open of `partitions` within `seconds`, leave them; those that are not committed whole."""
        partitions = list(partitions)
        deliveries = [self._deliveries[partition] for partition in partitions if partition in self._deliveries]
        for delivery in deliveries:
            delivery.assignment.drain()
        try:
            async with asyncio.timeout(seconds):
                await self._finish_commits(deliveries)
                async with self._engine_lock:
                    self._sized()
                    for delivery in deliveries:
                        await self._cut(delivery, "end")
                await self._finish_commits(deliveries)
        except TimeoutError:
            log.warning("Not all could be committed in time; the rest will be read again.", seconds=seconds)
        for partition in partitions:
            self.faults.pop(partition, None)
        left = [delivery.partition for delivery in deliveries if not delivery.idle]
        for delivery in deliveries:
            self._deliveries.pop(delivery.partition, None)
            await delivery.leave()
        return left

    async def _finish_commits(self, deliveries: Iterable[Delivery]) -> None:
        tasks = [task for delivery in deliveries if (task := self._commits.get(delivery.partition)) is not None]
        if tasks:
            await asyncio.wait(tasks)

    def close(self) -> None:
        """Free the threads; calls that hang in storage are left behind."""
        for threads in (self._native_threads, self._storage_threads):
            threads.shutdown(wait=False, cancel_futures=True)

    # ---- small parts

    def _fail(self, error: PenstockError) -> None:
        """End in order with `error`, or go on without what failed."""
        self.fault = self.fault or error
        if not self._limits.continue_on_fault:
            self._stopping = True

    async def _mind_topics(self) -> None:
        error = await self._source.wait_for_loss()
        log.error("A topic is gone.", error=str(error))
        self._fail(error)

    async def _look_after(self) -> None:
        """What is not part of the flow: positions the source refused, damage in it, a source that is stuck."""
        for partition in self._source.out_of_range:
            self._source.release(partition)
            if partition in self._deliveries:
                self._tasks.create_task(self._deliveries[partition].rewind())
        errors, self._truncated = self._source.faults() | self._truncated, {}
        for partition, error in errors.items():
            delivery = self._deliveries.get(partition)
            if delivery is not None and delivery.assignment.phase in (Phase.REFRESHING, Phase.PUTTING_ORIGIN):
                continue  # It begins again, and meets the fault again if that is still there.
            self._source.release(partition)
            if delivery is not None:
                # What came before the damage is committed, and the partition is left: then it has no more faults.
                await self._end([partition], self._limits.shutdown_seconds)
                self.faulted(partition, error)
        if self._source.finite:
            await self._leave_ended()
        if self._source.stuck() is not None:
            self.metrics.consumer_rebuilds.inc()
            await self._rebuild_source()

    async def _leave_ended(self) -> None:
        """Leave what is committed up to its end, so that the source goes on to other partitions."""
        ended = [delivery for delivery in self._deliveries.values() if self._at_end(delivery)]
        if len(ended) == len(self._deliveries):
            await self._finish_commits(ended)  # There is nothing to read meanwhile.
        for delivery in ended:
            partition = delivery.partition
            if not delivery.idle:
                continue
            if delivery.taken.records and not delivery.taken.rows and (hint := self._source.hint(partition)):
                log.warning("No record of it could be decoded.", partition=str(partition), hint=hint)
            del self._deliveries[partition]
            self._commits.pop(partition, None)
            await delivery.leave()
            self._source.finished(partition)

    def _judge(
        self, partition: Partition, report: Report, rejections: Sequence[OffsetRejection], delivery: Delivery | None
    ) -> None:
        """Count rejections against the limit; where nothing at all is decoded, the source may know why."""
        try:
            self._dead_letter_limit.count(partition, report.records, rejections)
        except DeadLetterLimitError as error:
            hint = self._source.hint(partition)
            if hint is not None and report.rows == 0 and (delivery is None or delivery.taken.rows == 0):
                error.add_note(hint)
            raise

    async def _rebuild_source(self) -> None:
        for delivery in list(self._deliveries.values()):
            await delivery.leave()
        self._deliveries.clear()
        self.faults.clear()
        self._truncated.clear()
        await self._source.stop()
        await self._source.connect()
        await self._source.join(self)

    def _takes(self, batch: RawBatch) -> bool:
        delivery = self._deliveries.get(batch.partition)
        return delivery is not None and delivery.assignment.epoch == batch.epoch

    def _left(self) -> int | None:
        """Records that may still be decoded."""
        limit = self._limits.max_records
        return None if limit is None else max(0, limit - self._decoded)

    async def _in(self, threads: ThreadPoolExecutor, call: Callable[..., T], args: Sequence[Any]) -> T:
        return await asyncio.get_running_loop().run_in_executor(threads, call, *args)


def _not_all(left: Sequence[Partition]) -> GaveUpError:
    return GaveUpError(
        f"All was read up to the end, but not all of {', '.join(map(str, left))} could be committed. Nothing that is "
        "committed is affected; start again once the sink works."
    )


def up_to(batches: Sequence[RawBatch], limit: int | None) -> tuple[list[RawBatch], Sequence[RawBatch]]:
    """The first of `batches`, with no more than `limit` records together, and those to look at again afterwards.

    A batch may have fewer records than it promises, so it is not known beforehand where the limit is reached.
    """
    if limit is None:
        return list(batches), ()
    taken: list[RawBatch] = []
    for number, batch in enumerate(batches):
        if limit == 0:
            return taken, batches[number:]
        taken.append(replace(batch, limit=limit) if batch.most_records > limit else batch)
        limit = max(0, limit - batch.most_records)
    return taken, ()
