"""Kafka source on aiokafka: group membership, positions and raw batches, nothing of what becomes of them.

Positions are the table's business: the consumer is told where to read (`seek`), a partition without a cursor is
paused, and the group's committed offsets are only ever written for people to look at.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import structlog
from aiokafka.errors import (
    CorruptRecordException,
    KafkaError,
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
    TopicAuthorizationFailedError,
)

from penstock.batch import Partition, RawBatch, RecordColumns
from penstock.errors import PenstockError, UnavailableError
from penstock.source.consumer import Consumer
from penstock.source.kafka_facts import KafkaFacts, as_tp
from penstock.source.rebalance import Listener
from penstock.source.security import connection_settings, probe
from penstock.source.topics import Topics
from penstock.source.watchdog import Watchdog

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from aiokafka import TopicPartition

    from penstock.config.kafka import KafkaSource as SourceConfig
    from penstock.source.source import Owner
    from penstock.telemetry.metrics import Metrics

log = structlog.get_logger("penstock.source")

REBALANCE_TIMEOUT_SECONDS = 60
"""How long a rebalance waits for members to finish; aiokafka's default is the session timeout."""

_MAX_POLL_INTERVAL_MS = 30 * 60 * 1000
_METADATA_MAX_AGE_MS = 10_000
"""New topics that match `topics_regex`, and new partitions, are seen within this time."""

FETCH_BYTES = 8 * 1024 * 1024
"""What a broker answers at most at once, but for a single batch that is larger."""

PARTITION_FETCH_BYTES = 1024 * 1024
"""What of it one partition may be, with the same exception."""

_FETCH_WAIT_MS = 100
STOP_SECONDS = 10
"""How long leaving the group and closing may take."""

_CORRUPT_TRIES = 2
_RETRY_SECONDS = 0.25
_RECORD_OVERHEAD_BYTES = 200
"""What a record costs in Python objects beside its bytes; for the byte budget."""


class KafkaSource(KafkaFacts):
    """One member of the group; a `Source`. Not safe for several tasks; one such source per process."""

    finite = False
    held_bytes = 0

    def __init__(
        self, config: SourceConfig, metrics: Metrics, *, group: bool = True, fetch_bytes: int = FETCH_BYTES
    ) -> None:
        self._config = config
        self._metrics = metrics
        self._group = group
        self._fetch_bytes = fetch_bytes
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
        self._corrupt: dict[Partition, int] = {}
        self._refetched: dict[Partition, int] = {}
        """Where a frame could not be read, and was fetched once more."""
        self._unreadable: dict[Partition, PenstockError] = {}
        self._out_of_range: set[Partition] = set()
        self._ends: dict[Partition, int] = {}
        """End of each partition when it was first asked about."""
        self._watchdog = Watchdog(self)
        self._paused = False
        self._topics = Topics(config, lambda: self._client)
        self.cluster_id = ""
        """Of the brokers; known once `connect` has returned. Brokers older than Kafka 2.8 have none."""
        self._waiting_since: float | None = None
        """Monotonic seconds since when we wait for the group; None once it gave us our share."""

    # ---- life

    async def connect(self) -> None:
        """Reach a broker and check the topics. Raises what is wrong with settings, brokers or topics."""
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
        config = self._config
        session_ms = int(config.session_timeout.total_seconds() * 1000)
        return Consumer(
            bootstrap_servers=list(config.brokers),
            client_id="penstock",
            group_id=config.group if self._group else None,
            group_instance_id=config.instance_id if self._group else None,
            enable_auto_commit=False,
            auto_offset_reset="none",
            isolation_level=config.isolation,
            session_timeout_ms=session_ms,
            heartbeat_interval_ms=min(3000, session_ms // 3),
            rebalance_timeout_ms=REBALANCE_TIMEOUT_SECONDS * 1000,
            max_poll_interval_ms=_MAX_POLL_INTERVAL_MS,
            metadata_max_age_ms=_METADATA_MAX_AGE_MS,
            fetch_max_bytes=self._fetch_bytes,
            max_partition_fetch_bytes=min(self._fetch_bytes, PARTITION_FETCH_BYTES),
            fetch_max_wait_ms=_FETCH_WAIT_MS,
            **self._settings,
        )

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
                self._forgive(partition)
        self._unnamed -= set(tps)

    def _forgive(self, partition: Partition) -> None:
        self._corrupt.pop(partition, None)
        self._refetched.pop(partition, None)
        self._unreadable.pop(partition, None)

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
        self._forgive(partition)
        if not self._paused:
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

    def pause(self) -> None:
        """Hand over nothing until `resume`; what is buffered will be fetched again."""
        if not self._paused:
            self._paused = True
            self._running.pause(*self._readable())

    def resume(self) -> None:
        """Undo `pause`."""
        if self._paused:
            self._paused = False
            self._running.resume(*self._readable())

    @property
    def paused(self) -> bool:
        """Whether `pause` is in force."""
        return self._paused

    def _readable(self) -> list[TopicPartition]:
        assignment = self._running.assignment()
        return [as_tp(partition) for partition in self._cursors if as_tp(partition) in assignment]

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
                self._corrupt.pop(partition, None)
        return batches

    def _batch(self, partition: Partition, cursor: int, position: int, records: Sequence[Any]) -> RawBatch:
        size = sum(record.serialized_value_size + record.serialized_key_size for record in records)
        return RawBatch(
            partition=partition,
            epoch=self._epochs[partition],
            fetch_offset=cursor,
            next_offset=position,
            size_bytes=size + len(records) * _RECORD_OVERHEAD_BYTES,
            records=RecordColumns(
                values=[record.value for record in records],
                keys=[record.key for record in records],
                headers=[record.headers for record in records],
                offsets=[record.offset for record in records],
                timestamps=[-1 if record.timestamp is None else record.timestamp for record in records],
            ),
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
                self._count_corrupt(error)
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

    def _count_corrupt(self, error: Exception) -> None:
        for partition, cursor in self._cursors.items():
            if str(as_tp(partition)) in str(error):
                self._corrupt[partition] = self._corrupt.get(partition, 0) + 1
                log.error("Corrupt batch.", partition=str(partition), offset=cursor, error=str(error))

    # ---- trouble

    @property
    def out_of_range(self) -> Sequence[Partition]:
        """Whose position the broker no longer has, or not yet."""
        return list(self._out_of_range)

    def faults(self) -> dict[Partition, PenstockError]:
        """Partitions whose next batch failed its checksum each time it was fetched."""
        corrupt = [partition for partition, tries in self._corrupt.items() if tries >= _CORRUPT_TRIES]
        return {p: _corrupt(p, self._cursors[p]) for p in corrupt if p in self._cursors} | self._unreadable

    def refetch(self, partition: Partition, offset: int, problem: str) -> None:
        """See `Source`."""
        log.error("Corrupt batch.", partition=str(partition), offset=offset, error=problem)
        tp = as_tp(partition)
        if partition not in self._cursors or tp not in self._running.assignment():
            return
        if self._refetched.get(partition) == offset:
            self._unreadable[partition] = _unreadable(partition, offset, problem)
            return
        self._refetched[partition] = self._cursors[partition] = offset
        self._running.seek(tp, offset)

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
        return not self._paused and bool(self._readable())

    def waiting_seconds(self) -> float:
        """For how long the group has kept us waiting; 0 if it does not."""
        return 0.0 if self._waiting_since is None else time.monotonic() - self._waiting_since

    def fetched_at(self) -> float | None:
        """When the broker last answered a fetch for a partition we read: seconds since the epoch; None if never."""
        stamps = [stamp for tp in self._readable() if (stamp := self._running.last_poll_timestamp(tp)) is not None]
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


def _corrupt(partition: Partition, offset: int) -> UnavailableError:
    return UnavailableError(
        f"{partition} offset {offset}: the batch fails its checksum each time it is fetched. Check that broker's disk "
        "and the replicas (kafka-dump-log); what is before that offset is committed."
    )


def _unreadable(partition: Partition, offset: int, problem: str) -> UnavailableError:
    return UnavailableError(
        f"{partition} offset {offset}: {problem}. It is so each time it is fetched. Check that broker's disk and the "
        "replicas (kafka-dump-log), or what produced it; what is before that offset is committed."
    )
