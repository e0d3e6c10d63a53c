"""What stops a partition, what it says, and the small decisions of where to begin."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

import pytest

from penstock.batch import Committed, Counts, Gap, Lost, Range, Unknown
from penstock.commit.effects import Ack, Begin, Discard, Put, PutOrigin, Refresh, Stop, Write
from penstock.commit.position import Acknowledged, LastCommit, SourceState, TableState, start_offset
from penstock.commit.protocol import Assignment, Phase, Settings
from penstock.errors import InternalError, PositionError
from tests.commit.model import PARTITION

if TYPE_CHECKING:
    from typing import Literal

    from penstock.commit.effects import Effects

NEW = TableState(origin=None, main=None, secondary=None)
OPENED = TableState(origin=5, main=None, secondary=None)
AT_TEN = TableState(origin=0, main=LastCommit("c1", Range(0, 10), "plan"), secondary=None)
ROWS = Counts(records=3, rows=3)
ONE_DEAD = Counts(records=3, rows=2, dead_letters=1)


def begun(
    table: TableState, source: SourceState, on_gap: Literal["fail", "record"] = "fail"
) -> tuple[Assignment, Effects]:
    """An assignment and the effects of its first reading, a second one included if it asks for that."""
    assignment = Assignment(PARTITION, Settings("plan", on_gap), count(1))
    assert assignment.begin() == (Refresh(),)
    effects = assignment.refreshed(table, source)
    return assignment, assignment.refreshed(table, source) if effects == (Refresh(),) else effects


def running() -> Assignment:
    """Begun at offset 10, up to 20."""
    return begun(AT_TEN, SourceState(0, 20, 0))[0]


def fault(effects: Effects) -> str:
    """What the last effect, a stop, says."""
    stop = effects[-1]
    assert isinstance(stop, Stop)
    return str(stop.error)


def test_position_of_the_table_is_where_fetching_begins() -> None:
    """Neither the start policy nor the group's offset matters then."""
    assignment, effects = begun(AT_TEN, SourceState(0, 20, 3, Acknowledged(7, "table", "c0")))
    assert effects == (Begin(epoch=1, offset=10, gaps=(), dead_letters_from=0, load_verdicts=None),)
    assert (assignment.phase, assignment.epoch, assignment.open_range) == (Phase.RUNNING, 1, Range(10, 10))


def test_new_partition_gets_an_origin_that_is_read_back() -> None:
    """The proposal is 3; another worker's origin, 5, rules."""
    assignment, effects = begun(NEW, SourceState(0, 20, 3))
    assert effects == (PutOrigin(3),)
    assert assignment.origin_put() == (Refresh(),)
    assert assignment.refreshed(OPENED, SourceState(0, 20, 3)) == (Begin(1, 5, (), 5, None),)


def test_dead_letters_ahead_of_main_are_loaded() -> None:
    """Whatever plan wrote them."""
    table = TableState(0, AT_TEN.main, LastCommit("c2", Range(4, 14), "plan"))
    assert begun(table, SourceState(0, 20, 0))[1] == (Begin(1, 10, (), 14, Range(10, 14)),)


def test_retention_gap_stops_the_partition_and_says_how_to_go_on() -> None:
    """The default."""
    assignment, effects = begun(AT_TEN, SourceState(13, 20, 0))
    said = fault(effects)
    assert "events-0: offsets 10 to 12 were deleted by retention before they were committed: the topic now" in said
    assert "begins at 13. To go on" in said
    assert 'on_gap = "record"' in fault(effects)
    assert assignment.phase is Phase.ENDED


def test_retention_gap_can_be_recorded_inside_the_next_range() -> None:
    """The range begins where the last one ended, fetching where the log does."""
    assignment, effects = begun(AT_TEN, SourceState(13, 20, 0), "record")
    assert effects == (Begin(1, 13, (Gap(10, 13),), 0, None),)
    assignment.take(1, 13, 16, counts=ROWS, now=0.0)
    (write,) = assignment.cut("c2", 1.0, dead_letter_rows=0)
    assert isinstance(write, Write)
    assert (write.cut.range, write.cut.gaps) == (Range(10, 16), (Gap(10, 13),))


@pytest.mark.parametrize(
    ("table", "source", "said"),
    [
        (AT_TEN, SourceState(0, 9, 0), "the table's position is offset 10, but the topic ends at 9"),
        (NEW, SourceState(0, 9, 0, Acknowledged(7, "t1", "c0")), "table t1 was committed up to offset 7 (commit c0)"),
        (OPENED, SourceState(0, 9, 0, Acknowledged(7, "t1", "c0")), "an unmounted volume"),
        (TableState(None, None, None, "old"), SourceState(0, 9, 0), "with id old, the topic now has id topic-id"),
        (TableState(None, AT_TEN.main, None), SourceState(0, 20, 0), "commits up to offset 10 but no origin"),
    ],
)
def test_position_that_does_not_fit_stops_the_partition(table: TableState, source: SourceState, said: str) -> None:
    """Never reset, never guessed; exit code 76."""
    _, effects = begun(table, source)
    assert said in fault(effects)
    assert fault(effects).startswith("events-0: ")
    assert isinstance(effects[-1], Stop)
    assert isinstance(effects[-1].error, PositionError)


def test_fault_needs_a_second_reading() -> None:
    """The first may have met another worker between table and source."""
    assignment = Assignment(PARTITION, Settings("plan"), count(1))
    assignment.begin()
    assert assignment.refreshed(NEW, SourceState(0, 20, 0, Acknowledged(10, "t1", "c1"))) == (Refresh(),)
    assert assignment.refreshed(AT_TEN, SourceState(0, 20, 0))[0] == Begin(1, 10, (), 0, None)


def test_falling_leader_epoch_stops_the_partition() -> None:
    """It is how a truncated log shows while it is read."""
    assignment = running()
    assert assignment.take(1, 10, 13, counts=ROWS, now=0.0, leader_epoch=4) == ()
    effects = assignment.take(1, 13, 16, counts=ROWS, now=0.0, leader_epoch=3)
    assert effects[0] == Discard(1)
    assert "leader epoch fell from 4 to 3 at offset 13" in fault(effects)


def test_batch_from_another_offset_stops_the_partition() -> None:
    """Nothing of it may be committed."""
    effects = running().take(1, 11, 14, counts=ROWS, now=0.0)
    assert effects[0] == Discard(1)
    assert "expected a batch from offset 10, got [11, 14)" in fault(effects)


@pytest.mark.parametrize("counts", [Counts(records=3, rows=2), Counts(records=4, rows=4)])
def test_counts_that_do_not_add_up_stop_the_partition(counts: Counts) -> None:
    """Records without a verdict, or more records than offsets."""
    assert "do not add up" in fault(running().take(1, 10, 13, counts=counts, now=0.0))


@pytest.mark.parametrize("rows", [0, 2])
def test_dead_letters_that_are_in_no_file_are_a_bug(rows: int) -> None:
    """Counted by decode, but not (or not alone) in the open file."""
    assignment = running()
    assignment.take(1, 10, 13, counts=ONE_DEAD, now=0.0)
    with pytest.raises(InternalError, match="1 dead letters"):
        assignment.cut("c2", 0.0, dead_letter_rows=rows)


def test_cut_commits_dead_letters_then_main_then_acknowledges() -> None:
    """The dead letters' range goes back to the end of their own chain."""
    assignment = running()
    assignment.take(1, 10, 13, counts=ONE_DEAD, now=0.0)
    (write,) = assignment.cut("c2", 0.0, dead_letter_rows=1)
    assert isinstance(write, Write)
    assert (write.dead_letters, write.cut.range) == (Range(0, 13), Range(10, 13))
    assert assignment.busy
    assert assignment.written("c2") == (Put("dead_letter", write.cut, Range(0, 13), 1),)
    assert assignment.put_done("c2", "dead_letter", Committed(13)) == (Put("main", write.cut, Range(10, 13), 1),)
    assert assignment.put_done("c2", "main", Committed(13)) == (Ack(13, "c2"),)
    assert not assignment.busy


@pytest.mark.parametrize("outcome", [Unknown("timeout"), Lost()])
def test_put_is_made_again_only_after_a_look(outcome: Unknown | Lost) -> None:
    """It had not landed: the same cut, the next attempt."""
    assignment = running()
    assignment.take(1, 10, 13, counts=ROWS, now=0.0)
    (write,) = assignment.cut("c2", 0.0, dead_letter_rows=0)
    assert isinstance(write, Write)
    assignment.written("c2")
    assert assignment.put_done("c2", "main", outcome) == (Refresh(),)
    assert assignment.put_done("c2", "main", Committed(13)) == ()
    assert assignment.refreshed(AT_TEN, SourceState(0, 20, 0)) == (Put("main", write.cut, Range(10, 13), 2),)
    assert assignment.put_done("c2", "main", Unknown("timeout")) == (Refresh(),)
    landed = TableState(0, LastCommit("c2", Range(10, 13), "plan"), None)
    assert assignment.refreshed(landed, SourceState(0, 20, 0)) == (Ack(13, "c2"),)


def test_lost_cut_is_discarded_and_reading_goes_on_behind_the_winner() -> None:
    """With a new epoch: what the old one had open is worthless."""
    assignment = running()
    assignment.take(1, 10, 13, counts=ROWS, now=0.0)
    assignment.cut("c2", 0.0, dead_letter_rows=0)
    assignment.written("c2")
    assignment.put_done("c2", "main", Lost())
    others = TableState(0, LastCommit("other", Range(10, 12), "plan"), None)
    assert assignment.refreshed(others, SourceState(0, 20, 0)) == (Discard(1), Begin(2, 12, (), 0, None))


def test_lost_cut_ends_a_draining_assignment() -> None:
    """There is no point in beginning again."""
    assignment = running()
    assignment.take(1, 10, 13, counts=ROWS, now=0.0)
    assignment.drain()
    assignment.cut("c2", 0.0, dead_letter_rows=0)
    assignment.written("c2")
    assignment.put_done("c2", "main", Lost())
    others = TableState(0, LastCommit("other", Range(10, 12), "plan"), None)
    assert assignment.refreshed(others, SourceState(0, 20, 0)) == (Discard(1),)
    assert assignment.phase is Phase.ENDED


def test_draining_before_the_beginning_ends_the_assignment() -> None:
    """There is nothing to commit; the answer that is under way is ignored."""
    assignment = Assignment(PARTITION, Settings("plan"), count(1))
    assignment.begin()
    assignment.drain()
    assert assignment.refreshed(AT_TEN, SourceState(0, 20, 0)) == ()


@pytest.mark.parametrize(
    ("policy", "group_offset", "first_start", "expected"),
    [
        ("earliest", 7, True, 2),
        ("latest", 7, True, 9),
        ("group", 7, True, 7),
        ("group", None, True, 2),
        (5, 7, True, 5),
        ("latest", 7, False, 2),
        ("group", 7, False, 2),
        (5, 7, False, 2),
    ],
)
def test_start_policy_gives_the_origin_of_the_first_start_only(
    policy: Literal["earliest", "latest", "group"] | int, group_offset: int | None, first_start: bool, expected: int
) -> None:
    """Partitions that appear later begin at the earliest offset."""
    offset = start_offset(policy, low=2, high=9, group_offset=group_offset, first_start=first_start)
    assert offset == expected
