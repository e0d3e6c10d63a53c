"""What aiokafka's group coordinator tells about partitions, brought to the source.

aiokafka only logs what a listener raises, so a failure is kept and raised by the next poll.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiokafka import ConsumerRebalanceListener, TopicPartition

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


class Listener(ConsumerRebalanceListener):
    """Calls `assigned` (must not wait: the heartbeat starts afterwards) and `revoked` (may wait within its bound)."""

    def __init__(
        self,
        assigned: Callable[[set[TopicPartition]], None],
        revoked: Callable[[set[TopicPartition]], Awaitable[None]],
    ) -> None:
        self._assigned = assigned
        self._revoked = revoked
        self._failure: BaseException | None = None

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        """Runs before the group is joined again; the member keeps its heartbeat meanwhile."""
        try:
            await self._revoked(set(revoked))
        except BaseException as error:
            self._failure = error
            raise

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        """Runs before the first fetch of the new assignment."""
        try:
            self._assigned(set(assigned))
        except BaseException as error:
            self._failure = error
            raise

    def check(self) -> None:
        """Raise what a callback raised."""
        if self._failure is not None:
            raise self._failure
