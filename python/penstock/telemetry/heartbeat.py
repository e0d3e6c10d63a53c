"""One line a minute in the log: that it lives, how fast it is, how far behind and how full."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING

from penstock.telemetry.log import get_logger

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from penstock.telemetry.metrics import Metrics
    from penstock.telemetry.server import Observed

log = get_logger("penstock.daemon")

INTERVAL_SECONDS = 60.0


class Heartbeat:
    """Speaks of what changed since it last spoke."""

    def __init__(self, observed: Observed, metrics: Metrics) -> None:
        self._observed = observed
        self._metrics = metrics
        self._before = (0, 0)
        self._at = time.monotonic()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(INTERVAL_SECONDS)
            self.beat()

    def beat(self) -> None:
        """One line. A pipeline that is not ready says why, as a warning."""
        self._observed.observe()
        total, now = self._metrics.total, time.monotonic()
        records, commits = total("penstock_records_total", stage="decode"), total("penstock_commits_total")
        facts = {
            "records_per_second": round((records - self._before[0]) / max(now - self._at, 1e-3)),
            "commits": commits - self._before[1],
            "lag_records": total("penstock_lag_records"),
            "uncommitted_seconds": total("penstock_uncommitted_age_seconds"),
            "partitions": total("penstock_assigned_partitions"),
            "held_bytes": total("penstock_memory_bytes"),
            "resident_bytes": total("process_resident_memory_bytes"),
            "open_descriptors": total("process_open_fds"),
        }
        self._before, self._at = (records, commits), now
        reason = self._observed.not_ready()
        if reason is None:
            log.info("Running.", **facts)
        else:
            log.warning("Running, but not ready.", reason=reason, **facts)


@contextlib.asynccontextmanager
async def beating(observed: Observed, metrics: Metrics) -> AsyncIterator[None]:
    """A heartbeat inside the block."""
    task = asyncio.create_task(Heartbeat(observed, metrics).run(), name="heartbeat")
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
