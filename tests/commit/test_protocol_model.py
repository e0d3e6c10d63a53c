"""The delivery protocol holds in worlds that Hypothesis makes up."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.commit.model_machine import Machine, MixedMachine, UpgradeMachine


@pytest.mark.parametrize("machine", [Machine, UpgradeMachine, MixedMachine])
def test_invariants_hold_in_any_world(machine: type[Machine]) -> None:
    """Nothing is lost or twice, and one undisturbed worker commits everything, whatever happened before."""
    tries = settings(
        max_examples=250,
        stateful_step_count=60,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(machine, settings=tries)
