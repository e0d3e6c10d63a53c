"""What the source says about positions, waiting out one that does not answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from penstock.commit.acknowledge import parse_metadata
from penstock.commit.position import Acknowledged, SourceState, start_offset
from penstock.patience import Patience
from penstock.source.source import SourceOutageError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime
    from typing import Literal

    from penstock.batch import Partition
    from penstock.source.source import Source

T = TypeVar("T")

OUTAGE_SECONDS = 300.0
"""A source that does not answer for so long ends the process, which is safe to start again."""


class Positions:
    """Asks `source`; every answer is fresh."""

    def __init__(self, source: Source) -> None:
        self._source = source

    async def origins(self, policy: Literal["earliest", "latest", "group"] | datetime) -> dict[Partition, int]:
        """Where a new table begins, for every partition there is."""
        partitions = await self._source.all_partitions()
        bounds = await self._answer(lambda: self._source.bounds(partitions))
        group = await self._answer(lambda: self._source.acknowledged(partitions)) if policy == "group" else {}
        at = {}
        if not isinstance(policy, str):
            at = await self._answer(lambda: self._source.offsets_at(partitions, policy))
        result = {}
        for partition, (low, high) in bounds.items():
            found = group.get(partition)
            moment = at.get(partition)
            result[partition] = start_offset(
                policy if isinstance(policy, str) else high if moment is None else moment,
                low=low,
                high=high,
                group_offset=None if found is None else found[0],
                first_start=True,
            )
        return result

    async def state(self, partition: Partition) -> SourceState:
        """For the protocol's `refreshed`. A partition without an origin appeared after the first start: earliest."""
        bounds = await self._answer(lambda: self._source.bounds([partition]))
        acknowledged = await self._answer(lambda: self._source.acknowledged([partition]))
        low, high = bounds[partition]
        found = acknowledged[partition]
        ours = None if found is None else parse_metadata(found[1])
        return SourceState(
            low=low,
            high=high,
            start=low,
            acknowledged=None
            if found is None or ours is None
            else Acknowledged(found[0], ours.table_id, ours.commit_id),
            reuses_names=self._source.finite,
        )

    async def same_topic(self, partition: Partition) -> bool:
        """Whether all that was handed over of `partition` so far is of its topic id."""
        return await self._answer(lambda: self._source.same(partition))

    async def _answer(self, question: Callable[[], Awaitable[T]]) -> T:
        patience = Patience("The source", OUTAGE_SECONDS)
        while True:
            try:
                return await question()
            except SourceOutageError as error:
                await patience.wait(error)
