"""Notices a Kafka consumer that is silently stuck, which aiokafka can be after a broker restart, and has it rebuilt."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from penstock.errors import GaveUpError
from penstock.telemetry.log import get_logger

if TYPE_CHECKING:
    from penstock.source.kafka import KafkaSource

log = get_logger("penstock.source")

STUCK_SECONDS = 60.0
REBUILDS = 3


class Watchdog:
    """Looks at `source` now and then. A broker answers every fetch of an idle topic too, within a second."""

    def __init__(self, source: KafkaSource, stuck_seconds: float = STUCK_SECONDS) -> None:
        self._source = source
        self._stuck_seconds = stuck_seconds
        self._reading_since: float | None = None
        self._rebuilds = 0
        self.silent_seconds = 0.0
        """For how long no fetch was answered, as of the last look."""

    def stuck(self) -> str | None:
        """Why the consumer must be rebuilt, None if it works. Raises `GaveUpError` when rebuilding does not help."""
        reason = self._reason()
        if reason is not None:
            self._rebuilds += 1
            self._reading_since = None
            if self._rebuilds > REBUILDS:
                raise GaveUpError(f"Kafka: {reason}, also after {REBUILDS} new connections. Start again when it works.")
            log.error("The consumer is stuck; it is rebuilt.", reason=reason, rebuild=self._rebuilds)
        return reason

    def _reason(self) -> str | None:
        waiting = self._source.waiting_seconds()
        if waiting > self._stuck_seconds:
            return f"the consumer group gave no partitions for {waiting:.0f} s"
        now = time.time()
        if not self._source.reading:
            self._reading_since = None
            self.silent_seconds = 0.0
            return None
        if self._reading_since is None:
            self._reading_since = now
        silent = now - max(self._reading_since, self._source.fetched_at() or 0.0)
        self.silent_seconds = silent
        if silent > self._stuck_seconds:
            return f"no fetch was answered for {silent:.0f} s"
        if silent < self._stuck_seconds / 2 and now - self._reading_since > self._stuck_seconds:
            self._rebuilds = 0
        return None
