"""One interleaving per rule of the delivery protocol: what happens in the world that the rule is there for.

Each script plays it with the given protocol and finally checks the invariants; `Violation` says which one broke.
"""

from __future__ import annotations

from itertools import repeat
from typing import TYPE_CHECKING

from tests.commit.model import Native, Violation, Worker, World

if TYPE_CHECKING:
    from collections.abc import Callable

    from penstock.commit.protocol import Assignment

    Protocol = type[Assignment]
    Script = Callable[[Protocol], None]


def sending(worker: Worker, size: int) -> Worker:
    """Boot if need be, and go on until the next put is under way."""
    if not worker.alive:
        worker.boot()
    worker.settle()
    worker.read(size)
    worker.cut()
    worker.settle()
    return worker


def committing(worker: Worker, size: int) -> Worker:
    """As `sending`, and the commit is made and answered."""
    sending(worker, size).commit()
    return worker


def landing(world: World, worker: Worker) -> None:
    """The put under way lands; its sender dies without hearing of it."""
    world.land(world.requests[-1])
    worker.crash()


def stopped(worker: Worker) -> None:
    if not worker.faults:
        raise Violation("not stopped")


def two_owners(protocol: Protocol, *, cas: bool = True) -> None:
    """Two workers commit the same range."""
    world = World("rrrr", cas=cas)
    one, two = (Worker(world, name, assignment=protocol) for name in ("one", "two"))
    sending(one, 4)
    sending(two, 3)
    one.commit()
    two.commit()
    world.check(one_verdict=True)


def two_origins(protocol: Protocol, *, cas: bool = True) -> None:
    """Two workers start at `latest`, and the log grows in between; the second has put its origin later."""
    world = World("rr", cas=cas)
    one, two = (Worker(world, name, start="latest", assignment=protocol).boot() for name in ("one", "two"))
    one.work()
    one.work()
    world.log += "rr"
    two.work()
    two.work()
    one.settle()
    two.settle()
    world.log += "rr"
    committing(two, 2)
    committing(one, 2)
    world.check(one_verdict=True)


def blind_retry(protocol: Protocol) -> None:
    """A put times out; when it is made again the name is taken, by another worker."""
    world = World("rrrr")
    one, two = (Worker(world, name, assignment=protocol) for name in ("one", "two"))
    sending(one, 2)
    committing(two, 4)
    one.time_out()
    one.commit()
    committing(one, 2)
    world.check(one_verdict=True)


def no_answer(protocol: Protocol) -> None:
    """A put times out and never lands."""
    world = World("rrrr")
    one = sending(Worker(world, "one", assignment=protocol), 2)
    one.time_out()
    committing(one, 2)
    world.check(one_verdict=True)


def same_id_again(protocol: Protocol) -> None:
    """Commit ids repeat; the second put times out and never lands."""
    world = World("rrrr")
    one = Worker(world, "one", assignment=protocol)
    one.commit_ids = repeat("one")
    committing(one, 2)
    sending(one, 2)
    one.time_out()
    one.settle()
    world.check(one_verdict=True)


def same_range_of_another(protocol: Protocol) -> None:
    """A put of dead letters times out; another plan's dead letters have the same range."""
    world = World("ryyx")
    one, two = Worker(world, "one", assignment=protocol), Worker(world, "two", plan="B", assignment=protocol)
    sending(one, 4)
    landing(world, sending(two, 4))
    one.time_out()
    one.commit()
    one.run_to_end()
    world.check(one_verdict=True)


def group_offset_moved(protocol: Protocol) -> None:
    """Somebody sets the group's committed offset forward."""
    world = World("rrrrrr")
    one = committing(Worker(world, "one", assignment=protocol), 2)
    if world.acknowledged is not None:
        world.acknowledged = type(world.acknowledged)(5, "table", "one-1")
    one.crash()
    committing(one, 2)
    world.check(one_verdict=True)


def before_the_commit(protocol: Protocol) -> None:
    """The files are written, nothing is committed."""
    sending(Worker(World("rr"), "one", assignment=protocol), 2)


def crash_between_tables(protocol: Protocol) -> None:
    """The first of two puts lands, then the worker dies."""
    world = World("rd")
    landing(world, sending(Worker(world, "one", assignment=protocol), 2))
    world.check(one_verdict=True)


def late_dead_letters(protocol: Protocol) -> None:
    """A late put of dead letters, started where the owner made no dead-letter file."""
    world = World("rrrrrdrrrr")
    zombie, owner = (Worker(world, name, assignment=protocol) for name in ("zombie", "owner"))
    late = sending(zombie, 10).request
    zombie.crash()
    committing(owner, 3)
    committing(owner, 5)
    if late is not None:
        world.land(late)
    world.check(one_verdict=True)


def late_dead_letters_of_old_plan(protocol: Protocol) -> None:
    """A late put of dead letters of a plan that was replaced; for the new plan they are rows."""
    world = World("ryrr")
    old, new = Worker(world, "old", assignment=protocol), Worker(world, "new", plan="B", assignment=protocol)
    committing(old, 1)
    late = sending(old, 3).request
    old.crash()
    committing(new, 3)
    if late is not None:
        world.land(late)
    world.check(one_verdict=True)


def crash_then_new_plan(protocol: Protocol) -> None:
    """Dead letters are committed, main is not; for the new plan they are rows, and a row is a dead letter."""
    world = World("yrxr")
    landing(world, sending(Worker(world, "old", assignment=protocol), 4))
    Worker(world, "new", plan="B", assignment=protocol).boot().run_to_end()
    world.check(one_verdict=True)


def crash_then_new_plan_crashes_too(protocol: Protocol) -> None:
    """As before, and the new plan dies at the same place: the newest dead letters are its own, the older ones not."""
    world = World("yrxr")
    landing(world, sending(Worker(world, "old", assignment=protocol), 2))
    new = Worker(world, "new", plan="B", assignment=protocol)
    landing(world, sending(new, 4))
    new.boot().run_to_end()
    world.check(one_verdict=True)


def short_cut_behind_dead_letters(protocol: Protocol) -> None:
    """The dead-letter table is ahead, and the new plan's first cut, with a dead letter, ends before it does."""
    world = World("xrry")
    landing(world, sending(Worker(world, "old", assignment=protocol), 4))
    committing(Worker(world, "new", plan="B", assignment=protocol), 1)
    world.check(one_verdict=True)


def source_jumps(protocol: Protocol) -> None:
    """The consumer goes on somewhere else than it was told to."""
    world = World("rrrr")
    one = Worker(world, "one", assignment=protocol).boot()
    one.settle()
    one.position = 2
    one.read(2)
    if one.alive:
        one.cut()
        one.commit()
    world.check(one_verdict=True)
    stopped(one)


def batch_of_older_epoch(protocol: Protocol) -> None:
    """The core had begun on a batch when the partition was rewound."""
    world = World("rrrr")
    one = Worker(world, "one", assignment=protocol).boot()
    one.settle()
    one.fetch(2)
    epoch, span = one.batches.popleft()
    counts = Native(0, None).ingest("A", world.log, span)
    one.tell(one.assignment.rewind())
    one.settle()
    one.tell(one.assignment.take(epoch, *span, counts=counts, now=0.0))
    one.cut()
    one.commit()
    world.check(one_verdict=True)


def loses_with_more_fetched(protocol: Protocol) -> None:
    """A cut loses while more was fetched behind it; the winner's range is longer."""
    world = World("rrrr")
    one, two = (Worker(world, name, assignment=protocol) for name in ("one", "two"))
    sending(one, 2).read(2)
    committing(two, 3)
    one.commit()
    one.cut()
    one.commit()
    world.check(one_verdict=True)


def cut_before_outcome(protocol: Protocol) -> None:
    """A second cut is asked for while the first put is under way."""
    world = World("rrrr")
    one = sending(Worker(world, "one", assignment=protocol), 2)
    one.read(2)
    one.cut()
    one.settle()
    world.land(world.requests[-1])
    world.check(one_verdict=True)


def rewound_while_putting(protocol: Protocol) -> None:
    """A write fails, say, while a put is under way that never lands."""
    world = World("rrrr")
    one = sending(Worker(world, "one", assignment=protocol), 2)
    one.tell(one.assignment.rewind())
    committing(one, 2)
    world.check(one_verdict=True)


def nothing_but_filtered(protocol: Protocol) -> None:
    """A filter keeps nothing: by length, then by age, the position must move all the same, though rarely."""
    world = World("ffffffff")
    one = Worker(world, "one", assignment=protocol)
    for _ in range(5):
        committing(one, 1)
    if world.tables["main"].files:
        raise Violation("empty files")
    committing(one, 1)
    if world.next_main != 6:
        raise Violation("stands still")
    committing(one, 1)
    world.clock += 600.0
    committing(one, 1)
    if world.next_main != 8:
        raise Violation("stands still")
    world.check(one_verdict=True)


def retention_passes(protocol: Protocol) -> None:
    """Retention deletes what was not committed, while a late put holds some of it."""
    world = World("rrrrrr")
    zombie, owner = (Worker(world, name, assignment=protocol) for name in ("zombie", "owner"))
    late = sending(zombie, 4).request
    zombie.crash()
    world.low = 3
    committing(owner, 3)
    if late is not None:
        world.land(late)
    world.check(one_verdict=True)


def topic_truncated(protocol: Protocol) -> None:
    """The topic's end is before the position, and grows past it again."""
    world = World("rrrr")
    one = committing(Worker(world, "one", assignment=protocol), 4)
    one.crash()
    world.log = "rr"
    one.boot().settle()
    world.log = "rrff"
    if one.alive:
        committing(one, 2)
        one.cut(final=True)
        one.commit()
    world.check(one_verdict=True)
    stopped(one)


def files_gone(protocol: Protocol) -> None:
    """The table's volume is not mounted: an empty folder, but the group knows of commits."""
    world = World("rrrr")
    one = committing(Worker(world, "one", assignment=protocol), 2)
    one.crash()
    world.tables["main"].files.clear()
    world.origin = None
    one.boot().settle()
    stopped(one)


def first_commit_during_refresh(protocol: Protocol) -> None:
    """The first commit of all, and its acknowledgement, fall between the reading of table and group."""
    world = World("rrrr")
    one, two = (Worker(world, name, assignment=protocol) for name in ("one", "two"))
    one.boot().work()
    committing(two, 2)
    one.settle()
    if one.faults:
        raise Violation("false alarm")
    one.run_to_end()
    world.check(one_verdict=True)


def left_while_writing(protocol: Protocol) -> None:
    """The partition is taken away while files are being written."""
    world = World("rr")
    one = Worker(world, "one", assignment=protocol).boot()
    one.settle()
    one.read(2)
    one.cut()
    unanswered = one.unanswered_write or ""
    one.tell(one.assignment.leave())
    one.tell(one.assignment.written(unanswered))
    one.settle()
    if world.requests:
        raise Violation("I6: put after leaving")
