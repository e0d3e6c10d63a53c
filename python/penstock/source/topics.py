"""The topics a pipeline reads: are they there, and are they still the same."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from aiokafka.errors import KafkaError, TopicAuthorizationFailedError, UnknownTopicOrPartitionError

from penstock.errors import UnavailableError
from penstock.source.topic_id import NO_TOPIC_ID, ClusterFacts, TopicFacts, describe_topics
from penstock.telemetry.log import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable

    from penstock.config.kafka import KafkaSource as SourceConfig

log = get_logger("penstock.source")

_WATCH_SECONDS = 2.0
_MISSING_LOOKS = 3
"""A topic must be missing so often in a row: a broker that just started may not know all of them yet."""

_TRIES = 5
_FIRST_WAIT_SECONDS = 0.2


class Topics:
    """Asks brokers through aiokafka's client, of which there may be a new one any time; never creates a topic."""

    def __init__(self, config: SourceConfig, client: Callable[[], Any]) -> None:
        self._config = config
        self._client = client
        self._warned = False

    async def check(self) -> ClusterFacts:
        """The topics to read. Raises `UnavailableError` for one that is not there or not readable."""
        facts = await self._describe_patiently(list(self._config.topics) or None)
        brokers = ", ".join(self._config.brokers)
        if self._config.topics_regex is not None:
            pattern = re.compile(self._config.topics_regex)
            found = {n: t for n, t in facts.topics.items() if pattern.match(n) and not t.internal and t.error is None}
            if not found:
                log.warning("No topic matches yet.", topics_regex=self._config.topics_regex, brokers=brokers)
            return replace(facts, topics=found)
        for name, topic in facts.topics.items():
            if topic.error is UnknownTopicOrPartitionError:
                raise UnavailableError(
                    f'Topic "{name}" does not exist on {brokers}. Create it, or correct source.topics.'
                )
            if topic.error is TopicAuthorizationFailedError:
                raise UnavailableError(
                    f'Topic "{name}" on {brokers}: this user may not read it. Grant READ and DESCRIBE on it.'
                )
        return facts

    async def wait_for_loss(self) -> UnavailableError:
        """Return once a topic that was there at the start has been deleted. A pattern's topics may come and go."""
        missing: Counter[str] = Counter()
        while True:
            await asyncio.sleep(_WATCH_SECONDS)
            try:
                facts = await self.describe(list(self._config.topics))
            except (KafkaError, TimeoutError, UnavailableError):
                continue  # the brokers are down; whoever reads waits for them
            gone = [name for name, topic in facts.topics.items() if topic.error is UnknownTopicOrPartitionError]
            missing = Counter({name: missing[name] + 1 for name in gone})
            lost = next((name for name, looks in missing.items() if looks >= _MISSING_LOOKS), None)
            if lost is not None:
                return UnavailableError(
                    f'Topic "{lost}" was deleted on {", ".join(self._config.brokers)}. What is committed stays as it '
                    "is; remove the topic from source.topics, or write its successor to a new table."
                )

    async def describe(self, names: list[str] | None) -> ClusterFacts:
        """The topics `names`, or all, as they are now. Raises `KafkaError` if no broker answers."""
        try:
            return await describe_topics(self._client(), names)
        except NotImplementedError:
            if not self._warned:
                log.warning("Brokers are older than Kafka 2.8: a recreated topic can't be noticed.")
                self._warned = True
        cluster = self._client().cluster
        topics = {}
        for name in cluster.topics() if names is None else names:
            numbers = cluster.partitions_for_topic(name)
            error = None if numbers else UnknownTopicOrPartitionError
            topics[name] = TopicFacts(NO_TOPIC_ID, dict.fromkeys(numbers or (), 0), name.startswith("__"), error)
        return ClusterFacts("", topics)

    async def _describe_patiently(self, names: list[str] | None) -> ClusterFacts:
        for attempt in range(_TRIES):
            try:
                return await self.describe(names)
            except (KafkaError, TimeoutError) as error:
                log.warning("Topics could not be described.", error=repr(error), attempt=attempt + 1)
                await asyncio.sleep(_FIRST_WAIT_SECONDS * 2**attempt)
        raise UnavailableError(f"Brokers {', '.join(self._config.brokers)} do not answer metadata requests.")
