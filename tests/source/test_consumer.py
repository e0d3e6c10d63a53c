"""aiokafka's consumer where its brokers are down: it still ends."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from penstock.config.kafka import KafkaSource as Config
from penstock.source.consumer import BoundedFetcher
from penstock.source.kafka import KafkaSource
from penstock.telemetry.metrics import Metrics

if TYPE_CHECKING:
    import pytest


async def test_a_fetch_that_waits_after_a_failure_ends_when_it_is_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    """By an ordinary return, which `Fetcher.close` relies on; else stopping ends in a `CancelledError` nobody sent."""

    async def failing(*_: object) -> bool:  # aiokafka's pause after a request that failed
        await asyncio.sleep(3600)
        return False

    monkeypatch.setattr(BoundedFetcher, "_fetch_once", failing)
    fetcher: Any = object.__new__(BoundedFetcher)
    fetcher._loop = asyncio.get_running_loop()
    request = asyncio.create_task(fetcher._proc_fetch_request(None, 1, None))
    await asyncio.sleep(0)
    request.cancel()
    assert await request is False


async def test_a_consumer_that_is_cancelled_while_it_stops_is_stopped() -> None:
    """It is told, and not taken for our own cancellation."""

    class Cancelled:
        async def stop(self) -> None:
            raise asyncio.CancelledError

    source: Any = KafkaSource(Config(brokers=("localhost:9092",), topics=("a",), group="g"), Metrics())
    source._consumer = Cancelled()
    assert await source.stop()
