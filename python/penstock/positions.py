"""What the source and its group say about positions, waiting out brokers that are down."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from aiokafka.errors import KafkaError, UnknownTopicOrPartitionError

from penstock.commit.acknowledge import parse_metadata
from penstock.commit.position import Acknowledged, SourceState, start_offset
from penstock.errors import PositionError
from penstock.patience import Patience

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime
    from typing import Literal

    from penstock.batch import Partition
    from penstock.source.kafka import KafkaSource

T = TypeVar("T")

OUTAGE_SECONDS = 300.0
"""A cluster that does not answer for so long ends the process, which is safe to start again."""


class Positions:
    """Asks `source`; every answer is fresh."""

    def __init__(self, source: KafkaSource) -> None:
        self._source = source
        self.ends: dict[Partition, int] = {}
        """End of each partition when it was first asked about."""

    async def origins(self, policy: Literal["earliest", "latest", "group"] | datetime) -> dict[Partition, int]:
        """Where a new table begins, for every partition there is."""
        partitions = await self._source.all_partitions()
        bounds = await self._answer(lambda: self._source.bounds(partitions))
        group = await self._answer(lambda: self._source.acknowledged(partitions)) if policy == "group" else {}
        at = {}
        if not isinstance(policy, str):
            at = await self._answer(lambda: self._source.offsets_at(partitions, policy))
        result = {}
        for partition, (low, high) in bounds.items():
            found = group.get(partition)
            moment = at.get(partition)
            result[partition] = start_offset(
                policy if isinstance(policy, str) else high if moment is None else moment,
                low=low,
                high=high,
                group_offset=None if found is None else found[0],
                first_start=True,
            )
        return result

    async def state(self, partition: Partition) -> SourceState:
        """For the protocol's `refreshed`. A partition without an origin appeared after the first start: earliest."""
        bounds = await self._answer(lambda: self._source.bounds([partition]))
        acknowledged = await self._answer(lambda: self._source.acknowledged([partition]))
        low, high = bounds[partition]
        self.ends.setdefault(partition, high)
        found = acknowledged[partition]
        ours = None if found is None else parse_metadata(found[1])
        return SourceState(
            low=low,
            high=high,
            start=low,
            acknowledged=None
            if found is None or ours is None
            else Acknowledged(found[0], ours.table_id, ours.commit_id),
        )

    async def same_topic(self, partition: Partition) -> bool:
        """Whether `partition.topic` still has its id: then all that was fetched so far is of it.

        A topic that is gone is still the same: nothing can have been fetched from another.
        """
        facts = await self._answer(lambda: self._source.identities([partition.topic]))
        topic = facts.topics.get(partition.topic)
        return topic is None or topic.error is not None or topic.topic_id == partition.topic_id

    async def _answer(self, question: Callable[[], Awaitable[T]]) -> T:
        patience = Patience("The Kafka cluster", OUTAGE_SECONDS)
        while True:
            try:
                return await question()
            except UnknownTopicOrPartitionError as error:
                raise PositionError(f"{error}: the topic or partition is gone.") from error
            except (KafkaError, TimeoutError) as error:
                await patience.wait(repr(error))
