"""What brokers and the group say about partitions: each answer is fresh, and nothing of it is kept."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError, UnknownTopicOrPartitionError
from aiokafka.structs import OffsetAndMetadata

from penstock.batch import Partition
from penstock.errors import PositionError
from penstock.source.source import SourceOutageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from penstock.source.consumer import Consumer
    from penstock.source.topic_id import ClusterFacts
    from penstock.source.topics import Topics


class KafkaFacts:
    """The part of a `KafkaSource` that asks. Errors are those of `Source`."""

    _group: bool
    _topics: Topics
    _ends: dict[Partition, int]
    """End of each partition when it was first asked about."""

    @property
    def _running(self) -> Consumer:
        raise NotImplementedError

    # ---- facts about partitions

    async def bounds(self, partitions: Sequence[Partition]) -> dict[Partition, tuple[int, int]]:
        """First offset the broker has and the end of what may be read, per partition."""
        tps = [as_tp(partition) for partition in partitions]
        with _answering():
            lows = await self._running.beginning_offsets(tps)
            highs = await self._running.end_offsets(tps)
        for partition, tp in zip(partitions, tps, strict=True):
            self._ends.setdefault(partition, highs[tp])
        return {partition: (lows[tp], highs[tp]) for partition, tp in zip(partitions, tps, strict=True)}

    def end(self, partition: Partition) -> int | None:
        """The end of `partition` when it was first asked about."""
        return self._ends.get(partition)

    async def offsets_at(self, partitions: Sequence[Partition], moment: datetime) -> dict[Partition, int | None]:
        """First offset with a timestamp at or after `moment`; None where there is none yet."""
        milliseconds = int(moment.timestamp() * 1000)
        with _answering():
            found = await self._running.offsets_for_times({as_tp(partition): milliseconds for partition in partitions})
        return {p: None if (at := found.get(as_tp(p))) is None else at.offset for p in partitions}

    async def all_partitions(self) -> list[Partition]:
        """Every partition of every topic the pipeline reads, ours or not."""
        facts = await self._topics.check()
        return [
            Partition(facts.cluster_id, name, topic.topic_id, number)
            for name, topic in sorted(facts.topics.items())
            for number in sorted(topic.leader_epochs)
        ]

    async def same(self, partition: Partition) -> bool:
        """Whether `partition.topic` still has its id: then all that was fetched so far is of it.

        A topic that is gone is still the same: nothing can have been fetched from another.
        """
        with _answering():
            facts = await self.identities([partition.topic])
        topic = facts.topics.get(partition.topic)
        return topic is None or topic.error is not None or topic.topic_id == partition.topic_id

    async def identities(self, topics: Iterable[str]) -> ClusterFacts:
        """What the topics are now; for noticing that one was deleted or recreated. Raises `KafkaError`."""
        return await self._topics.describe(sorted(set(topics)))

    # ---- the group's committed offsets: advisory

    async def acknowledge(self, offsets: Mapping[Partition, tuple[int, str]]) -> None:
        """Write committed offsets with their metadata. Raises `KafkaError`; nothing depends on it."""
        assignment = self._running.assignment()
        commits = {
            as_tp(partition): OffsetAndMetadata(offset, metadata)
            for partition, (offset, metadata) in offsets.items()
            if as_tp(partition) in assignment
        }
        if commits and self._group:
            await self._running.commit(commits)

    async def acknowledged(self, partitions: Sequence[Partition]) -> dict[Partition, tuple[int, str] | None]:
        """Committed offset and metadata per partition; None where the group has none."""
        if not self._group:
            return dict.fromkeys(partitions)
        coordinator: Any = self._running._coordinator  # noqa: SLF001 - `committed()` drops the metadata
        with _answering():
            found = await coordinator.fetch_committed_offsets([as_tp(partition) for partition in partitions])
        result: dict[Partition, tuple[int, str] | None] = {}
        for partition in partitions:
            at = found.get(as_tp(partition))
            result[partition] = None if at is None or at.offset < 0 else (at.offset, at.metadata or "")
        return result


@contextmanager
def _answering() -> Iterator[None]:
    """The errors of aiokafka as those of the seam."""
    try:
        yield
    except UnknownTopicOrPartitionError as error:
        raise PositionError(f"{error}: the topic or partition is gone.") from error
    except (KafkaError, TimeoutError) as error:
        raise SourceOutageError(repr(error)) from error


def as_tp(partition: Partition) -> TopicPartition:
    """How aiokafka names it."""
    return TopicPartition(partition.topic, partition.number)
