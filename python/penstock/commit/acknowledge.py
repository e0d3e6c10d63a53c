"""Kafka's committed offset: an advisory copy of the table's position, for people and lag tools.

Written after the commit, at most every few seconds, with the table and the commit it speaks of as metadata. A failure
is logged and nothing else: nothing but a lost table is ever concluded from it.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, NamedTuple

from penstock.failpoint import reach
from penstock.telemetry.log import get_logger

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from penstock.batch import Partition
    from penstock.telemetry.metrics import Metrics

log = get_logger("penstock.commit")

INTERVAL_SECONDS = 2.0
FLUSH_SECONDS = 5.0


class Metadata(NamedTuple):
    """What stands beside a committed offset."""

    table_id: str
    commit_id: str


def format_metadata(metadata: Metadata) -> str:
    """As short JSON; Kafka allows 4,096 bytes."""
    return json.dumps({"table": metadata.table_id, "commit": metadata.commit_id}, separators=(",", ":"))


def parse_metadata(text: str) -> Metadata | None:
    """None for what another program wrote."""
    try:
        found = json.loads(text)
        return Metadata(str(found["table"]), str(found["commit"]))
    except (ValueError, TypeError, KeyError):
        return None


class Acknowledger:
    """Collects commits and writes the newest offset of each partition with `write`, one call at a time."""

    def __init__(
        self,
        table_id: str,
        write: Callable[[Mapping[Partition, tuple[int, str]]], Awaitable[None]],
        metrics: Metrics,
    ) -> None:
        self._table_id = table_id
        self._write = write
        self._metrics = metrics
        self._pending: dict[Partition, tuple[int, str]] = {}
        self._failing = False

    def committed(self, partition: Partition, offset: int, commit_id: str) -> None:
        """The table has everything of `partition` below `offset`."""
        self._pending[partition] = (offset, format_metadata(Metadata(self._table_id, commit_id)))

    async def run(self) -> None:
        """Write what is pending every few seconds, until cancelled."""
        while True:
            await asyncio.sleep(INTERVAL_SECONDS)
            await self.flush()

    async def flush(self) -> None:
        """Write what is pending now; returns within `FLUSH_SECONDS`."""
        pending, self._pending = self._pending, {}
        if not pending:
            return
        reach("before_ack")
        try:
            async with asyncio.timeout(FLUSH_SECONDS):
                writing = asyncio.ensure_future(self._write(pending))
                await asyncio.sleep(0)  # the request is on its way
                reach("during_ack")
                await writing
        except Exception as error:  # noqa: BLE001 - whatever it is, the table already has the records
            self._metrics.acknowledge_errors.inc()
            if not self._failing:
                log.warning("Kafka's committed offsets can't be written; lag tools are behind.", error=repr(error))
            self._failing = True
            self._pending = pending | self._pending
        else:
            if self._failing:
                log.info("Kafka's committed offsets are written again.")
            self._failing = False
