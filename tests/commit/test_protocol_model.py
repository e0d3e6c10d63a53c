"""The delivery protocol holds in worlds that Hypothesis makes up, and they are harsh enough to break a worse one."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from penstock.commit.protocol import Assignment
from tests.commit import model_mutants as without
from tests.commit.model import Violation
from tests.commit.model_machine import Machine, MixedMachine, UpgradeMachine


def explore(machine: type[Machine], assignment: type[Assignment], examples: int) -> None:
    """The same worlds in every run."""
    tries = settings(
        max_examples=examples,
        stateful_step_count=40,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate] if assignment is not Assignment else list(Phase),
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(type(machine.__name__, (machine,), {"assignment": assignment}), settings=tries)


@pytest.mark.parametrize("machine", [Machine, UpgradeMachine, MixedMachine])
def test_invariants_hold_in_any_world(machine: type[Machine]) -> None:
    """Nothing is lost or twice, and one undisturbed worker commits everything, whatever happened before."""
    explore(machine, Assignment, 600)


@pytest.mark.parametrize(
    ("machine", "mutant"),
    [
        (Machine, without.AckBeforeCommit),
        (Machine, without.KeepsRestOnLoss),
        (Machine, without.MainFirst),
        (Machine, without.NoAnswerIsSuccess),
        (Machine, without.PositionFromKafka),
        (Machine, without.RewindsBlindly),
        (Machine, without.SecondaryFollowsMain),
        (Machine, without.SkipsGap),
        (Machine, without.TwoCommitsInFlight),
        (UpgradeMachine, without.NoFence),
        (UpgradeMachine, without.NoVerdicts),
        (UpgradeMachine, without.SecondaryEndsWithCut),
        (MixedMachine, without.NoVerdicts),
    ],
)
def test_worlds_notice_a_missing_rule(machine: type[Machine], mutant: type[Assignment]) -> None:
    """Chance alone finds what goes wrong without these rules."""
    with pytest.raises(Violation):
        explore(machine, mutant, 3000)
