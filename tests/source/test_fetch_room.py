"""However many brokers there are, and however long nobody takes what they answered, they answer so much together."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.consumer.subscription_state import SubscriptionState
from aiokafka.protocol.fetch import FetchResponse_v11

from penstock._native import FramePool
from penstock.source.consumer import BoundedFetcher
from penstock.source.fetch_room import FetchRoom
from penstock.source.raw_fetch import RawFetcher
from penstock.source.receive import Parts
from tests.native.frames import Message, record_batch

KIBIBYTE = 1024
ANSWER = 256 * KIBIBYTE
TOTAL = 2048 * KIBIBYTE
PARTITIONS_PER_BROKER = 6
MANY_TURNS = 3000


class Brokers:
    """Each leads some partitions, and answers every fetch with as much as it may, all of one of them."""

    def __init__(self, count: int) -> None:
        self.pool = FramePool(0)
        self.room = FetchRoom(self.pool, answer_bytes=ANSWER, total_bytes=TOTAL)
        self.tps = [TopicPartition("events", number) for number in range(PARTITIONS_PER_BROKER * count)]
        self.count = count
        self.unanswered = 0
        self.most = 0
        """Bytes that were held or asked for at once."""
        self.asked: list[int] = []
        self.cluster = SimpleNamespace(leader_for_partition=lambda tp: tp.partition % count)
        self._loop = asyncio.get_running_loop()
        self._metadata_max_age_ms = 1000

    async def send(self, _: int, request: Any) -> Any:
        self.asked.append(request._max_bytes)
        self.unanswered += request._max_bytes
        self.most = max(self.most, self.pool.bytes_in_use + self.unanswered)
        await asyncio.sleep(0)
        self.unanswered -= request._max_bytes
        topic, ((partition, offset, _), *_) = request._topics[0]
        # One record, nearly as large as it may be.
        data = record_batch([Message(bytes(request._max_bytes - 200))], offset)
        written = FetchResponse_v11(0, 0, 0, [(topic, [(partition, 0, 10**9, 10**9, 0, [], -1, data)])]).encode()
        frame = self.pool.take(len(written))
        self.most = max(self.most, self.pool.bytes_in_use + self.unanswered)
        memoryview(frame)[:] = written
        frame.freeze()
        parts: Any = Parts(frame)
        return FetchResponse_v11.decode(parts)

    def fetcher(self) -> Any:
        subscription = SubscriptionState(loop=self._loop)
        subscription.assign_from_user(set(self.tps))
        for tp in self.tps:
            subscription.subscription.assignment.state_value(tp).seek(0)
        return RawFetcher(self, subscription, prefetch_backoff=0, max_partition_fetch_bytes=ANSWER)


@pytest.mark.parametrize("count", [1, 2, 3, 5, 12])
async def test_answers_of_all_brokers_together_are_bounded(count: int) -> None:
    """While nobody takes them no more are asked for than fit; once somebody does, every partition has its turn."""
    brokers = Brokers(count)
    fetcher = brokers.fetcher()
    for _ in range(MANY_TURNS):
        await asyncio.sleep(0)
    assert brokers.unanswered == 0
    assert TOTAL / 2 < brokers.most <= TOTAL
    missing = set(brokers.tps)
    while missing:
        missing -= (await fetcher.fetched_records([], timeout=0.05)).keys()
    assert brokers.most <= TOTAL
    await fetcher.close()


async def test_few_brokers_are_asked_for_full_answers_and_many_for_smaller_ones() -> None:
    """Two of each broker fit: one is decoded while the other arrives."""
    sizes = {}
    for count in (1, 4, 12):
        brokers = Brokers(count)
        fetcher = brokers.fetcher()
        for _ in range(MANY_TURNS):
            await asyncio.sleep(0)
        sizes[count] = brokers.asked[0]
        await fetcher.close()
    assert ANSWER * 0.95 < sizes[1] == sizes[4] < ANSWER
    assert TOTAL / 30 < sizes[12] < TOTAL / 24


def test_where_nothing_is_held_there_is_room_for_one_answer() -> None:
    """However little room there is; who was asked longest ago goes first. Where something is held there is none."""
    pool = FramePool(0)
    room = FetchRoom(pool, answer_bytes=ANSWER, total_bytes=0)
    requests = [(1, "first"), (2, "second"), (3, "third")]
    frame = pool.take(3 * ANSWER)
    assert room.admit(requests, 0) == []
    del frame
    assert room.admit(requests, 3) == []
    asked = [broker for _ in range(2) for broker, _ in room.admit(requests, 0)]
    assert asked == [1, 2, 3, 1]


def test_records_are_bounded_as_frames_are() -> None:
    """The slow path has the same fetcher."""
    assert issubclass(RawFetcher, BoundedFetcher)
