"""Topics and group offsets, as an administrator of the cluster changes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from confluent_kafka import ConsumerGroupTopicPartitions, KafkaException, TopicPartition
from confluent_kafka.admin import NewTopic, OffsetSpec  # type: ignore[attr-defined]

from tests.broker.process import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from concurrent.futures import Future

    from confluent_kafka.admin import AdminClient

    from tests.broker.cluster import KafkaCluster


@dataclass(frozen=True, slots=True)
class Topics:
    """Makes topics whose names begin with `prefix`, so that tests sharing a cluster never meet."""

    cluster: KafkaCluster
    prefix: str

    @property
    def admin(self) -> AdminClient:
        """The cluster's administrator."""
        return self.cluster.admin

    def create(
        self, name: str = "events", *, partitions: int = 1, replicas: int = 1, config: Mapping[str, str] | None = None
    ) -> str:
        """Create a topic; returns its full name when every partition has a leader."""
        topic = f"{self.prefix}.{name}"
        new = NewTopic(topic, num_partitions=partitions, replication_factor=replicas, config=dict(config or {}))
        for future in self.admin.create_topics([new]).values():
            future.result(30)
        wait_until(
            lambda: len(leaders := self.leaders(topic)) == partitions and min(leaders.values()) > 0,
            seconds=30,
            what=f"{topic} has leaders",
        )
        return topic

    def delete(self, topic: str) -> None:
        """Delete a topic; returns when the cluster no longer lists it."""
        for future in self.admin.delete_topics([topic]).values():
            future.result(30)
        wait_until(lambda: not self.exists(topic), seconds=30, what=f"{topic} is deleted")

    def exists(self, topic: str) -> bool:
        """Whether the cluster lists the topic. Asks for every topic: asking for one by name could create it."""
        return topic in self.admin.list_topics(timeout=10).topics

    def leaders(self, topic: str) -> dict[int, int]:
        """Leader of each partition, -1 where there is none."""
        if (found := self.admin.list_topics(timeout=10).topics.get(topic)) is None:
            return {}
        return {number: partition.leader for number, partition in found.partitions.items()}

    def delete_records(self, topic: str, partition: int, before: int) -> None:
        """Move the partition's beginning to `before`, as retention does."""
        for future in self.admin.delete_records([TopicPartition(topic, partition, before)]).values():
            future.result(30)

    def end(self, topic: str, partition: int) -> int:
        """The offset after the partition's last record."""
        where = TopicPartition(topic, partition)
        latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]
        return int(self.admin.list_offsets({where: latest})[where].result(30).offset)

    def members(self, group: str) -> int:
        """How many members of the group have partitions."""
        (future,) = self.admin.describe_consumer_groups([group]).values()
        return sum(bool(member.assignment.topic_partitions) for member in future.result(30).members)

    def committed(self, group: str) -> dict[tuple[str, int], int]:
        """The group's committed offsets."""
        (future,) = self.admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)]).values()
        return {(p.topic, p.partition): p.offset for p in future.result(30).topic_partitions}

    def commit(self, group: str, topic: str, offsets: Mapping[int, int]) -> None:
        """Set an empty group's offsets by hand."""
        wanted = [TopicPartition(topic, number, offset) for number, offset in offsets.items()]
        self._when_empty(lambda: self.admin.alter_consumer_group_offsets([ConsumerGroupTopicPartitions(group, wanted)]))

    def delete_group(self, group: str) -> None:
        """Delete an empty group and its offsets."""
        self._when_empty(lambda: self.admin.delete_consumer_groups([group]))

    def _when_empty(self, change: Callable[[], Mapping[Any, Future[Any]]]) -> None:
        """A killed member stays in its group until its session times out."""

        def accepted() -> bool:
            try:
                for future in change().values():
                    future.result(30)
            except KafkaException:
                return False
            return True

        wait_until(accepted, seconds=30, what="the group has no members")
