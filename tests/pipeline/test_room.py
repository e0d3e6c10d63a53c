"""Who is cut and who is paused where memory is short."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from penstock import room


def delivery(number: int, held: int, *, busy: bool = False, storing: bool = False) -> Any:
    return SimpleNamespace(
        partition=number,
        held_bytes=held,
        size=SimpleNamespace(memory_bytes=held),
        assignment=SimpleNamespace(busy=busy),
        storing=busy or storing,
    )


def slow(deliveries: list[Any], budget: int) -> set[Any]:
    return set(room.slow(deliveries, budget))


def test_the_largest_that_can_be_cut_is_cut() -> None:
    """Not one whose commit is under way; nobody, if there is nothing to cut."""
    small, large, busy = delivery(1, 10), delivery(2, 20), delivery(3, 30, busy=True)
    assert room.largest([small, large, busy]) is large
    assert room.largest([delivery(1, 0), busy]) is None


def test_who_is_being_stored_and_holds_more_than_its_share_is_slow() -> None:
    """The share is of those that hold anything: one partition alone may have all of it."""
    others = [delivery(1, 40), delivery(2, 0), delivery(3, 10, storing=True)]
    assert slow([*others, delivery(4, 31, busy=True), delivery(5, 30, busy=True)], 120) == {4}
    assert slow([*others, delivery(4, 41, storing=True)], 120) == {4}
    assert slow([delivery(2, 0), delivery(4, 100, busy=True)], 120) == set()
    assert slow([], 120) == set()
