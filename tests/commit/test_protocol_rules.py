"""Each rule of the delivery protocol holds in the interleaving it is for, and is noticed when it is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from penstock.commit.protocol import Assignment
from tests.commit import model_mutants as without
from tests.commit import protocol_scripts as script
from tests.commit.model import Violation

if TYPE_CHECKING:
    from collections.abc import Callable

RULES = [
    pytest.param(script.blind_retry, without.LostIsFinalAfterTimeout, "I1", id="look-before-retry"),
    pytest.param(script.no_answer, without.NoAnswerIsSuccess, "I3", id="no-answer-is-no-success"),
    pytest.param(script.same_id_again, without.OursByIdOnly, "I3", id="ours-by-range"),
    pytest.param(script.same_range_of_another, without.OursByRangeOnly, "lost", id="ours-by-id"),
    pytest.param(script.group_offset_moved, without.PositionFromKafka, "I1", id="table-is-the-position"),
    pytest.param(script.before_the_commit, without.AckBeforeCommit, "I3", id="acknowledge-after-commit"),
    pytest.param(script.crash_between_tables, without.MainFirst, "lost", id="secondaries-first"),
    pytest.param(script.late_dead_letters, without.SecondaryFollowsMain, "I1", id="secondary-has-its-own-chain"),
    pytest.param(script.late_dead_letters_of_old_plan, without.NoFence, "two verdicts", id="fence-on-new-plan"),
    pytest.param(script.crash_then_new_plan, without.NoVerdicts, "lost|two verdicts", id="verdicts-are-loaded"),
    pytest.param(
        script.crash_then_new_plan_crashes_too,
        without.VerdictsOnlyIfNewestPlanDiffers,
        "lost|two verdicts",
        id="verdicts-are-loaded-whatever-the-newest-plan",
    ),
    pytest.param(
        script.short_cut_behind_dead_letters, without.SecondaryEndsWithCut, "I1", id="secondary-chain-always-grows"
    ),
    pytest.param(script.two_origins, without.OwnOrigin, "I1", id="origin-is-read-back"),
    pytest.param(script.source_jumps, without.TakesAnyOffset, "lost", id="batch-begins-at-cursor"),
    pytest.param(script.batch_of_older_epoch, without.TakesAnyEpoch, "I5|lost", id="older-epochs-are-dropped"),
    pytest.param(script.loses_with_more_fetched, without.KeepsRestOnLoss, "I1", id="loss-discards-everything"),
    pytest.param(script.cut_before_outcome, without.TwoCommitsInFlight, "I1", id="one-commit-in-flight"),
    pytest.param(script.rewound_while_putting, without.RewindsBlindly, "I1", id="rewind-reads-the-table"),
    pytest.param(script.nothing_but_filtered, without.CarriesForEver, "stands still", id="carried-not-for-ever"),
    pytest.param(script.nothing_but_filtered, without.CarriesNothing, "empty files", id="rowless-range-is-carried"),
    pytest.param(script.retention_passes, without.SkipsGap, "I1", id="gap-is-inside-a-range"),
    pytest.param(script.topic_truncated, without.FollowsTruncation, "I1", id="truncation-stops"),
    pytest.param(script.files_gone, without.StartsEmptyTableAgain, "not stopped", id="lost-table-stops"),
    pytest.param(script.first_commit_during_refresh, without.BelievesFirstReading, "false alarm", id="read-twice"),
    pytest.param(script.left_while_writing, without.PutsAfterLeaving, "I6", id="nothing-is-put-after-leaving"),
]


@pytest.mark.parametrize(("play", "mutant", "violation"), RULES)
def test_a_rule_keeps_the_invariants_and_is_missed(
    play: script.Script, mutant: type[Assignment], violation: str
) -> None:
    """The script passes with the protocol, and breaks an invariant without the rule."""
    play(Assignment)
    with pytest.raises(Violation, match=violation):
        play(mutant)


@pytest.mark.parametrize("play", [script.two_owners, script.two_origins])
def test_without_compare_and_swap_nothing_helps(play: Callable[..., None]) -> None:
    """Commits and origins must be put only where nothing is: the protocol relies on it."""
    play(Assignment)
    with pytest.raises(Violation, match="I1"):
        play(Assignment, cas=False)
