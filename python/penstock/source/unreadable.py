"""Batches that can't be read: each is fetched once more, in case it was damaged on its way; then it is a fault."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from penstock.errors import UnavailableError

if TYPE_CHECKING:
    from penstock.batch import Partition
    from penstock.errors import PenstockError

log = structlog.get_logger("penstock.source")


class Unreadable:
    """Where partitions could not be read."""

    def __init__(self) -> None:
        self._tried: dict[Partition, int] = {}
        """The last offset of each partition that was fetched once more."""
        self.faults: dict[Partition, PenstockError] = {}

    def meet(self, partition: Partition, offset: int, problem: str) -> bool:
        """What is at `offset` can't be read. Whether to fetch it once more; if not, it is one of the `faults`."""
        log.error("Corrupt batch.", partition=str(partition), offset=offset, error=problem)
        if self._tried.get(partition) != offset:
            self._tried[partition] = offset
            return True
        self.faults[partition] = UnavailableError(
            f"{partition} offset {offset}: {problem}. It is so each time it is fetched. Check that broker's disk and "
            "the replicas (kafka-dump-log), or what produced it; what is before that offset is committed."
        )
        return False

    def forget(self, partition: Partition) -> None:
        """It is read from elsewhere, or not by us."""
        self._tried.pop(partition, None)
        self.faults.pop(partition, None)
