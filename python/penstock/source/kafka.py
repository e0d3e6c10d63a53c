"""Kafka source on aiokafka: group membership, positions and raw batches, nothing of what becomes of them.

Positions are the table's business: the consumer is told where to read (`seek`), a partition without a cursor is
paused, and the group's committed offsets are only ever written for people to look at.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from aiokafka.errors import (
    CorruptRecordException,
    KafkaError,
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
    TopicAuthorizationFailedError,
)

from penstock._native import FramePool
from penstock.batch import Partition, RawBatch
from penstock.config.model import FETCH_BYTES, FETCHED_BYTES
from penstock.errors import PenstockError, UnavailableError
from penstock.source.consumer import Consumer
from penstock.source.fetch_mode import is_fast
from penstock.source.fetch_room import ANSWERS_PER_BROKER, FetchRoom
from penstock.source.fetched import RawRecords, columns, frame
from penstock.source.kafka_facts import KafkaFacts, as_tp
from penstock.source.rebalance import Listener
from penstock.source.security import connection_settings, probe
from penstock.source.topics import Topics
from penstock.source.unreadable import Unreadable
from penstock.source.watchdog import Watchdog
from penstock.telemetry.log import get_logger

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from aiokafka import TopicPartition

    from penstock.batch import RawFrame, RecordColumns
    from penstock.config.kafka import KafkaSource as SourceConfig
    from penstock.source.fetch_mode import FetchMode
    from penstock.source.source import Owner
    from penstock.telemetry.metrics import Metrics

log = get_logger("penstock.source")

REBALANCE_TIMEOUT_SECONDS = 60
"""How long a rebalance waits for members to finish; aiokafka's default is the session timeout."""

_MAX_POLL_INTERVAL_MS = 30 * 60 * 1000
_METADATA_MAX_AGE_MS = 10_000
"""New topics that match `topics_regex`, and new partitions, are seen within this time."""

PARTITION_FETCH_BYTES = 4 * 1024 * 1024
"""What a broker answers at most for one partition, with the same exception. Less costs more CPU time per byte."""

_FETCH_WAIT_MS = 100
STOP_SECONDS = 10
"""How long leaving the group and closing may take."""

_RETRY_SECONDS = 0.25


class KafkaSource(KafkaFacts):
    """One member of the group; a `Source`. Not safe for several tasks; one such source per process."""

    finite = False

    def __init__(
        self,
        config: SourceConfig,
        metrics: Metrics,
        *,
        group: bool = True,
        frames: bool = True,
        fetch_bytes: int = FETCH_BYTES,
        fetched_bytes: int = FETCHED_BYTES,
    ) -> None:
        """Without `frames` records are fetched, whatever the configuration says.

        `fetch_bytes` is what a broker answers at most at once, `fetched_bytes` what is on its way or waits, of all.
        """
        self._config = config
        self._metrics = metrics
        self._group = group
        self._fetch_bytes = fetch_bytes
        self._mode: FetchMode = config.fetch_mode if frames else "records"
        self._pool = FramePool(ANSWERS_PER_BROKER * fetch_bytes)  # More brokers may need more.
        self._room = FetchRoom(self._pool, answer_bytes=fetch_bytes, total_bytes=fetched_bytes)
        self._fast: bool | None = None
        """Whether frames are fetched; known once `connect` has been called."""
        self._old: set[Partition] = set()
        """In which records of an old format were met."""
        self._settings = connection_settings(config)
        self._consumer: Consumer | None = None
        self._listener = Listener(self._on_assigned, self._on_revoked)
        self._owner: Owner | None = None
        self._unnamed: set[TopicPartition] = set()
        """Assigned, identity not known yet."""
        self._partitions: dict[TopicPartition, Partition] = {}
        self._cursors: dict[Partition, int] = {}
        """Next offset to hand over, for partitions that are being read."""
        self._epochs: dict[Partition, int] = {}
        self._unreadable = Unreadable()
        self._out_of_range: set[Partition] = set()
        self._ends: dict[Partition, int] = {}
        """End of each partition when it was first asked about."""
        self._watchdog = Watchdog(self)
        self._paused: AbstractSet[Partition] = frozenset()
        self._topics = Topics(config, lambda: self._client)
        self.cluster_id = ""
        """Of the brokers; known once `connect` has returned. Brokers older than Kafka 2.8 have none."""
        self._waiting_since: float | None = None
        """Monotonic seconds since when we wait for the group; None once it gave us our share."""

    # ---- life

    async def connect(self) -> None:
        """Reach a broker and check the topics. Raises what is wrong with settings, brokers or topics."""
        if self._fast is None:
            self._fast = is_fast(self._mode, self._metrics)
        await probe(self._config.brokers, self._settings)
        self._consumer = self._make_consumer()
        try:
            await self._consumer.start()
        except KafkaError as error:
            raise UnavailableError(f"Brokers {', '.join(self._config.brokers)}: {error}") from error
        self.cluster_id = (await self._topics.check()).cluster_id

    def recognise(self, topics: Mapping[str, str]) -> None:
        """Nothing to do: a topic keeps its name."""

    async def join(self, owner: Owner) -> None:
        """Join the group, or without one take every partition; `owner` hears of partitions from now on."""
        self._owner = owner
        self._waiting_since = time.monotonic()
        if not self._group:
            tps = {as_tp(partition) for partition in await self.all_partitions()}
            self._running.assign(list(tps))
            self._on_assigned(tps)
        elif self._config.topics_regex is not None:
            self._running.subscribe(pattern=self._config.topics_regex, listener=self._listener)
        else:
            self._running.subscribe(topics=list(self._config.topics), listener=self._listener)

    async def wait_for_loss(self) -> UnavailableError:
        """Return once a topic named in the configuration is gone, saying which."""
        return await self._topics.wait_for_loss()

    async def stop(self) -> bool:
        """Leave the group and close. False if aiokafka did not end in time; then only ending the process helps."""
        consumer, self._consumer = self._consumer, None
        self._forget(set(self._partitions) | self._unnamed)
        if consumer is None:
            return True
        stopping = asyncio.ensure_future(consumer.stop())
        done, _ = await asyncio.wait([stopping], timeout=STOP_SECONDS)
        if not done:
            # It can't be cancelled safely: aiokafka's fetcher swallows the cancellation.
            log.warning("Kafka consumer did not stop in time.", seconds=STOP_SECONDS)
            return False
        error = asyncio.CancelledError() if stopping.cancelled() else stopping.exception()
        if error is not None:
            log.warning("Kafka consumer stopped with an error.", error=repr(error))
        return True

    def _make_consumer(self) -> Consumer:
        settings = self._consumer_settings()
        if not self._fast:
            return Consumer(room=self._room, **settings)
        from penstock.source.raw_fetch import RawConsumer  # noqa: PLC0415 - fails where aiokafka has changed

        return RawConsumer(pool=self._pool, room=self._room, **settings)

    def _consumer_settings(self) -> dict[str, Any]:
        config = self._config
        session_ms = int(config.session_timeout.total_seconds() * 1000)
        return {
            "bootstrap_servers": list(config.brokers),
            "client_id": "penstock",
            "group_id": config.group if self._group else None,
            "group_instance_id": config.instance_id if self._group else None,
            "enable_auto_commit": False,
            "auto_offset_reset": "none",
            "isolation_level": config.isolation,
            "session_timeout_ms": session_ms,
            "heartbeat_interval_ms": min(3000, session_ms // 3),
            "rebalance_timeout_ms": REBALANCE_TIMEOUT_SECONDS * 1000,
            "max_poll_interval_ms": _MAX_POLL_INTERVAL_MS,
            "metadata_max_age_ms": _METADATA_MAX_AGE_MS,
            "fetch_max_bytes": self._room.records_bytes,
            "max_partition_fetch_bytes": min(self._fetch_bytes, PARTITION_FETCH_BYTES),
            "fetch_max_wait_ms": _FETCH_WAIT_MS,
        } | self._settings

    @property
    def _client(self) -> Any:
        return self._running._client  # noqa: SLF001 - aiokafka has no public way to send a request of one's own

    @property
    def _running(self) -> Consumer:
        if self._consumer is None:
            raise UnavailableError("The Kafka consumer is stopped.")
        return self._consumer

    # ---- assignment

    def _on_assigned(self, tps: set[TopicPartition]) -> None:
        consumer = self._running
        for tp in tps:
            # Both before the first await: aiokafka would otherwise look for a committed offset to start from.
            consumer.pause(tp)
            consumer.seek(tp, 0)
        self._unnamed = tps
        self._waiting_since = None
        self._metrics.rebalances.inc()

    async def _on_revoked(self, tps: set[TopicPartition]) -> None:
        self._waiting_since = time.monotonic()
        partitions = [self._partitions[tp] for tp in tps if tp in self._partitions]
        self._unnamed -= tps
        if partitions and self._owner is not None:
            await self._owner.revoked(partitions)
        self._forget(tps)

    def _forget(self, tps: Iterable[TopicPartition]) -> None:
        for tp in list(tps):
            partition = self._partitions.pop(tp, None)
            if partition is not None:
                self._cursors.pop(partition, None)
                self._epochs.pop(partition, None)
                self._out_of_range.discard(partition)
                self._unreadable.forget(partition)
        self._unnamed -= set(tps)

    async def _name_assigned(self) -> None:
        """Find the identity of newly assigned partitions and hand them to the owner."""
        tps = self._unnamed
        try:
            facts = await self.identities(tp.topic for tp in tps)
        except (KafkaError, TimeoutError) as error:
            log.warning("Assigned partitions could not be identified yet.", error=repr(error))
            await asyncio.sleep(_RETRY_SECONDS)
            return
        if self._unnamed is not tps:  # another rebalance came in between
            return
        self._unnamed = set()
        named = []
        for tp in sorted(tps):
            topic = facts.topics.get(tp.topic)
            if topic is None or topic.error is not None:
                log.warning("Assigned partition is of a topic that is gone.", topic=tp.topic, partition=tp.partition)
                continue
            partition = Partition(facts.cluster_id, tp.topic, topic.topic_id, tp.partition)
            self._partitions[tp] = partition
            named.append(partition)
        if named and self._owner is not None:
            self._owner.assigned(named)

    # ---- reading

    def seek(self, partition: Partition, offset: int, epoch: int) -> bool:
        """Read `partition` from `offset` on, as `epoch`. False if it is not ours any more."""
        tp = as_tp(partition)
        if self._partitions.get(tp) != partition or tp not in self._running.assignment():
            return False
        self._running.seek(tp, offset)
        self._cursors[partition] = offset
        self._epochs[partition] = epoch
        self._out_of_range.discard(partition)
        self._unreadable.forget(partition)
        if partition not in self._paused:
            self._running.resume(tp)
        return True

    def release(self, partition: Partition) -> None:
        """Read `partition` no more, while it stays assigned."""
        tp = as_tp(partition)
        self._cursors.pop(partition, None)
        if self._consumer is not None and tp in self._consumer.assignment():
            self._consumer.pause(tp)

    def finished(self, partition: Partition) -> None:
        """Never: a topic has no end."""

    def pause(self, partitions: AbstractSet[Partition]) -> None:
        """See `Source`. What is buffered of them will be fetched again."""
        before, self._paused = self._paused, frozenset(partitions)
        if before != self._paused:
            self._running.pause(*self._readable(self._paused - before))
            self._running.resume(*self._readable(before - self._paused))

    @property
    def paused(self) -> AbstractSet[Partition]:
        """See `Source`."""
        return self._paused

    def _readable(self, partitions: AbstractSet[Partition]) -> list[TopicPartition]:
        """Those of `partitions` that have a cursor."""
        assignment = self._running.assignment()
        return [as_tp(partition) for partition in partitions & self._cursors.keys() if as_tp(partition) in assignment]

    async def poll(self, timeout_seconds: float) -> list[RawBatch]:
        """Batches of every partition that moved, each continuing where the previous one of its partition ended.

        A batch without records still moves the position: over control batches, aborted transactions and holes.
        """
        self._listener.check()
        self._metrics.polls.inc()
        if self._unnamed:
            await self._name_assigned()
        try:
            fetched = await self._running.getmany(timeout_ms=int(timeout_seconds * 1000))
        except KafkaError as error:
            await self._on_error(error)
            return []
        batches = []
        for partition, cursor in list(self._cursors.items()):
            tp = as_tp(partition)
            if tp not in self._running.assignment():
                continue
            records = fetched.get(tp, ())
            position = await self._running.position(tp)
            if records or position > cursor:
                batches.append(self._batch(partition, cursor, position, records))
                self._cursors[partition] = position
        self._metrics.observe_frames(self._pool)
        return batches

    def _batch(self, partition: Partition, cursor: int, position: int, fetched: Sequence[Any]) -> RawBatch:
        records: RecordColumns | RawFrame
        if fetched and isinstance(fetched[0], RawRecords):
            # One at most: aiokafka keeps a single response per partition.
            (raw,) = fetched
            records, size_bytes = frame(raw, read_committed=self._config.isolation == "read_committed"), len(raw.data)
            self._metrics.fetched(len(raw.data), raw.discarded_bytes)
        else:
            records, size_bytes = columns(fetched)
            if fetched and self._fast and partition not in self._old:
                self._old.add(partition)
                self._metrics.fetch_fallbacks.labels("old_format").inc()
                log.warning(
                    "Records are in a format from before Kafka 0.11; they are fetched one by one.",
                    partition=str(partition),
                    offset=cursor,
                )
        return RawBatch(
            partition=partition,
            epoch=self._epochs[partition],
            fetch_offset=cursor,
            next_offset=position,
            size_bytes=size_bytes,
            records=records,
        )

    async def _on_error(self, error: KafkaError) -> None:
        """Note what it means. What aiokafka took from its buffer for other partitions was not handed over: rewind."""
        assignment = self._running.assignment()
        for partition, cursor in self._cursors.items():
            if as_tp(partition) in assignment:
                self._running.seek(as_tp(partition), cursor)
        match error:
            case OffsetOutOfRangeError():
                self._metrics.fetch_errors.labels("out_of_range").inc()
                self._out_of_range |= {partition for partition in self._cursors if as_tp(partition) in error.args[0]}
            case CorruptRecordException():
                self._metrics.fetch_errors.labels("corrupt").inc()
                for partition, cursor in self._cursors.items():
                    if str(as_tp(partition)) in str(error):
                        self._unreadable.meet(partition, cursor, str(error))
            case NoOffsetForPartitionError():
                pass  # of an assignment that is gone; ours have positions
            case _ if error.retriable:
                self._metrics.fetch_errors.labels("retriable").inc()
                log.warning("Kafka answered with an error.", error=repr(error))
                await asyncio.sleep(_RETRY_SECONDS)
            case TopicAuthorizationFailedError():
                raise UnavailableError(
                    f"Topic {error.args[0]}: this user may not read it. Grant READ on it."
                ) from error
            case _:
                raise UnavailableError(f"Kafka, consumer group {self._config.group}: {error!r}.") from error

    # ---- trouble

    @property
    def out_of_range(self) -> Sequence[Partition]:
        """Whose position the broker no longer has, or not yet."""
        return list(self._out_of_range)

    def faults(self) -> dict[Partition, PenstockError]:
        """Partitions whose next batch could not be read each time it was fetched."""
        return {partition: error for partition, error in self._unreadable.faults.items() if partition in self._cursors}

    def refetch(self, partition: Partition, offset: int, problem: str) -> None:
        """See `Source`."""
        self._metrics.fetch_errors.labels("corrupt").inc()
        tp = as_tp(partition)
        if partition not in self._cursors or tp not in self._running.assignment():
            return
        if self._unreadable.meet(partition, offset, problem):
            self._cursors[partition] = offset
            self._running.seek(tp, offset)

    @property
    def held_bytes(self) -> int:
        """See `Source`: what frames hold, and the memory that is kept for the next ones."""
        return self._pool.bytes_in_use + self._pool.bytes_kept

    @property
    def silent_seconds(self) -> float:
        """See `Source`."""
        return self._watchdog.silent_seconds

    def stuck(self) -> str | None:
        """See `Source`: aiokafka can be silently stuck after a broker restart."""
        return self._watchdog.stuck()

    def hint(self, partition: Partition) -> str | None:  # noqa: ARG002 - see `Source`
        """None: what is in a topic is its producers' business."""
        return None

    # ---- how it goes

    @property
    def settled(self) -> bool:
        """Whether the group gave us our share, possibly nothing, and the owner knows all of it."""
        return self._waiting_since is None and not self._unnamed

    @property
    def reading(self) -> bool:
        """Whether fetches are expected to be answered."""
        return bool(self._readable(self._cursors.keys() - self._paused))

    def waiting_seconds(self) -> float:
        """For how long the group has kept us waiting; 0 if it does not."""
        return 0.0 if self._waiting_since is None else time.monotonic() - self._waiting_since

    def fetched_at(self) -> float | None:
        """When the broker last answered a fetch for a partition we read: seconds since the epoch; None if never."""
        stamps = [
            stamp
            for tp in self._readable(self._cursors.keys())
            if (stamp := self._running.last_poll_timestamp(tp)) is not None
        ]
        return max(stamps) / 1000 if stamps else None

    def lag(self) -> dict[Partition, int]:
        """Records (offsets) behind the end, as of each partition's last fetch."""
        lags = {}
        for partition, cursor in self._cursors.items():
            if as_tp(partition) in self._running.assignment():
                end = self._running.highwater(as_tp(partition))
                if end is not None:
                    lags[partition] = max(0, end - cursor)
        return lags
