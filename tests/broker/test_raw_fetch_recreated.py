"""A topic that is replaced by another of its name while its raw batches are read."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.broker.producing import Source
from tests.broker.raw_reading import RawReader, read_with_librdkafka
from tests.broker.source_log import SourceLog

if TYPE_CHECKING:
    from tests.broker.topics import Topics

_OLD = 20_000
_STEPS = 2000


@pytest.mark.parametrize("records", [100, 2 * _OLD], ids=["shorter", "longer"])
async def test_what_was_read_before_the_topic_was_the_same_is_all_of_the_old_one(topics: Topics, records: int) -> None:
    """aiokafka may read on in the new one; whoever asks before a commit hears that the topic is another."""
    bootstrap, topic = topics.cluster.bootstrap(), topics.create()
    source = Source(bootstrap, SourceLog())
    await asyncio.to_thread(source.produce, topic, _OLD)
    old = await asyncio.to_thread(read_with_librdkafka, bootstrap, topic, {0: 0})

    def replace() -> None:
        topics.delete(topic)
        topics.create()
        source.produce(topic, records)

    async with RawReader(bootstrap, topic, fetch_bytes=20_000) as reader:
        (partition,) = reader.cursors
        await reader.step()
        replacing = asyncio.create_task(asyncio.to_thread(replace))
        sure = dict(reader.rows)
        for _ in range(_STEPS):
            if not await reader.source.same(partition):
                break
            sure = dict(reader.rows)
            await reader.step()
        else:
            pytest.fail("the topic is still said to be the same")
        await replacing
        assert sure == {place: row for place, row in old.items() if place[1] < len(sure)}
