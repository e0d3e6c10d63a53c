"""aiokafka's consumer with four habits changed, without touching aiokafka for anybody else in the process.

aiokafka has no seams here, so single methods are rebound: the same code object, with other globals for one name each. A
release that renames those names fails loudly at import (`rebind`), and the version is pinned below 0.15.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
from typing import TYPE_CHECKING, Any, cast

from aiokafka import AIOKafkaConsumer
from aiokafka.client import AIOKafkaClient
from aiokafka.consumer.fetcher import Fetcher
from aiokafka.protocol.metadata import MetadataRequest

from penstock.source.rebind import rebind

if TYPE_CHECKING:
    from penstock.source.fetch_room import FetchRoom

METADATA_INTERVAL_SECONDS = 0.25
"""A deleted topic makes aiokafka ask for metadata 540 times a second; this bounds it."""

_AT_ONCE_SECONDS = 0.05

_ROOM_SECONDS = 0.02
"""How soon it is looked again whether there is room for the answer to a fetch."""


class Client(AIOKafkaClient):
    """Never creates a topic by asking for it, and asks for metadata at most every `METADATA_INTERVAL_SECONDS`."""

    _metadata_update = rebind(
        AIOKafkaClient._metadata_update,  # noqa: SLF001
        MetadataRequest=functools.partial(MetadataRequest, allow_auto_topic_creation=False),
    )
    room: FetchRoom
    """For the fetcher, which aiokafka makes and hands nothing else of ours."""
    _last_refresh = float("-inf")
    _delayed_refresh: asyncio.Task[Any] | None = None

    def force_metadata_update(self) -> Any:
        """As aiokafka's, delayed where the last one was just now; all who ask meanwhile share one refresh."""
        if self._delayed_refresh is not None and not self._delayed_refresh.done():
            return asyncio.shield(self._delayed_refresh)
        now = self._loop.time()
        wait = self._last_refresh + METADATA_INTERVAL_SECONDS - now
        if wait <= 0:
            self._last_refresh = now
            return super().force_metadata_update()
        self._delayed_refresh = asyncio.ensure_future(self._refresh_after(wait))
        return asyncio.shield(self._delayed_refresh)

    async def _refresh_after(self, seconds: float) -> Any:
        await asyncio.sleep(seconds)
        self._last_refresh = self._loop.time()
        return await super().force_metadata_update()

    async def close(self) -> None:
        """As aiokafka's; also ends a refresh that waits."""
        if self._delayed_refresh is not None:
            self._delayed_refresh.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._delayed_refresh
        await super().close()


class BoundedFetcher(Fetcher):
    """Fetches what there is room for, and waits after an error response: it comes at once and has nothing.

    aiokafka asks every broker for a full answer, and again for other partitions before an answer is taken. After an
    error it sends the next request immediately, 2,000 a second while a leader moves.
    """

    _fetch_once = Fetcher._proc_fetch_request  # noqa: SLF001

    def __init__(self, client: Any, *arguments: Any, **settings: Any) -> None:
        super().__init__(client, *arguments, **settings)
        self._room: FetchRoom = client.room

    def _get_actions_per_node(self, assignment: Any) -> Any:
        leaders = {self._client.cluster.leader_for_partition(tp) for tp in assignment.tps}
        self._room.share_among(len(leaders))
        self._fetch_max_bytes = self._room.records_bytes
        requests, resets, seconds, invalid, resumed = super()._get_actions_per_node(assignment)
        admitted = self._room.admit(requests, len(self._in_flight))
        if len(admitted) < len(requests):
            seconds = min(seconds, _ROOM_SECONDS)
        return admitted, resets, seconds, invalid, resumed

    async def _proc_fetch_request(self, assignment: Any, node_id: Any, request: Any) -> Any:
        started = self._loop.time()
        try:
            got_data = await self._fetch_once(assignment, node_id, request)
            if not got_data and self._loop.time() - started < _AT_ONCE_SECONDS:
                await asyncio.sleep(self._retry_backoff)
        except asyncio.CancelledError:
            # Fetcher.close() awaits this task after cancelling it and expects an ordinary return. It gets one from a
            # request that is on its way, but not from aiokafka's own pause after one that failed: brokers are down.
            return False
        return got_data


class Consumer(AIOKafkaConsumer):
    """aiokafka's consumer over `Client` and `BoundedFetcher`."""

    start = rebind(AIOKafkaConsumer.start, Fetcher=BoundedFetcher)

    def __init__(self, *topics: str, room: FetchRoom, **settings: Any) -> None:
        super().__init__(*topics, **settings)
        # The class is swapped because the constructor names AIOKafkaClient itself; the two have the same layout.
        self._client.__class__ = Client
        cast("Client", self._client).room = room
