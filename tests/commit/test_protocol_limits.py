"""What the protocol does not promise: over a change of plan, a record may be listed in both tables. None is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.commit.model import Violation, Worker, World
from tests.commit.protocol_scripts import committing, sending

if TYPE_CHECKING:
    from collections.abc import Callable


def late_main_put_of_old_plan(world: World) -> None:
    """The old plan's rows land after the new plan has put one of them among the dead letters."""
    world.log = "x"
    old, new = Worker(world, "old"), Worker(world, "new", plan="B")
    late = sending(old, 1).request
    old.crash()
    sending(new, 1).work()
    world.land(world.requests[-1])
    if late is not None:
        world.land(late)
    new.run_to_end()


def late_dead_letters_of_third_plan(world: World) -> None:
    """Plan B, then A, then B again: A left no trace but a late put, so B has no reason to put a fence."""
    world.log = "ry"
    one, two = Worker(world, "one", plan="B"), Worker(world, "two", plan="A")
    committing(one, 1)
    one.crash()
    late = sending(two, 1).request
    two.crash()
    committing(one, 1)
    if late is not None:
        world.land(late)


def two_plans_at_once(world: World) -> None:
    """A worker of the old plan reads the table again after the new plan's fence, and goes on."""
    world.log = "rry"
    old, new = Worker(world, "old", plan="A"), Worker(world, "new", plan="B")
    committing(old, 1)
    old.crash()
    committing(new, 1)
    sending(old, 1)
    world.land(world.requests[-1])
    committing(new, 1)


@pytest.mark.parametrize("play", [late_main_put_of_old_plan, late_dead_letters_of_third_plan, two_plans_at_once])
def test_records_between_two_plans_may_have_two_verdicts_and_are_not_lost(play: Callable[[World], None]) -> None:
    """These are the three cases (a), (b), (c) that the protocol's docstring excludes."""
    world = World()
    play(world)
    with pytest.raises(Violation, match="two verdicts"):
        world.check(one_verdict=True)
    world.check(one_verdict=False)
