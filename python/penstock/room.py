"""Who makes room where memory is short: whose file is cut early, and who is paused."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from penstock.batch import Partition
    from penstock.delivery import Delivery


def largest(deliveries: Sequence[Delivery]) -> Delivery | None:
    """The one with the most in memory of those that can be cut now."""
    free = [delivery for delivery in deliveries if not delivery.assignment.busy and delivery.size.memory_bytes]
    return max(free, key=lambda delivery: delivery.size.memory_bytes, default=None)


def slow(deliveries: Sequence[Delivery], budget_bytes: float) -> set[Partition]:
    """Those whose rows are on their way to storage and that hold more than their share of the budget."""
    holding = [delivery for delivery in deliveries if delivery.held_bytes]
    share = budget_bytes / max(len(holding), 1)
    return {delivery.partition for delivery in holding if delivery.storing and delivery.held_bytes > share}
