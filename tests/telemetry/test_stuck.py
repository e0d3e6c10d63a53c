"""An event loop that does not turn is told, with where everything stands."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from penstock.telemetry.stuck import StuckDetector, watching
from tests.captured_log import capture_logs

if TYPE_CHECKING:
    from collections.abc import Iterator

STALL = "The event loop does not turn; heartbeats and health checks stand still."
RECOVERY = "The event loop turns again."


@pytest.fixture
def lines() -> Iterator[list[Any]]:
    with capture_logs() as found:
        yield found


def hold_up_the_loop(stalled: threading.Event) -> None:
    """As a call that should have been awaited."""
    assert stalled.wait(60)


async def wait_in_vain() -> None:
    await asyncio.Event().wait()


async def _said(lines: list[Any], event: str) -> Any:
    """The lines that say `event`; they come from another thread."""
    while not (found := [line for line in lines if line["event"] == event]):  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    return found


async def test_a_stalled_loop_is_told_once_with_all_stacks_and_its_recovery(lines: list[Any]) -> None:
    """Threads and tasks by name, each with the place it stands at."""
    stalled = threading.Event()
    waiting = asyncio.create_task(wait_in_vain(), name="waiting")
    detector = StuckDetector(stalled.set, stuck_seconds=0.2)
    detector.start()
    await asyncio.sleep(0)
    hold_up_the_loop(stalled)
    time.sleep(0.1)  # noqa: ASYNC251 - still stalled: it is told once all the same
    await _said(lines, RECOVERY)
    detector.stop()
    waiting.cancel()
    assert len(await _said(lines, STALL)) == 1
    stacks = {line["name"]: line["stack"] for line in lines if line["event"] in ("Thread.", "Task.")}
    assert "telemetry/test_stuck.py" in stacks["MainThread"]
    assert " hold_up_the_loop < " in stacks["MainThread"]
    assert "stuck.py" in stacks["stuck-detector"]
    assert stacks["waiting"].split(" < ")[-1].endswith(" wait_in_vain")
    assert "asyncio/locks.py" in stacks["waiting"]


async def test_a_loop_that_turns_is_left_alone(lines: list[Any]) -> None:
    """However long each of its callbacks is, below the limit."""
    turns = 0

    def count() -> None:
        nonlocal turns
        turns += 1

    detector = StuckDetector(count, stuck_seconds=2.0)
    detector.start()
    for _ in range(20):
        time.sleep(0.01)  # noqa: ASYNC251 - a callback that computes
        await asyncio.sleep(0)
    detector.stop()
    assert turns == 0
    assert lines == []


async def test_stacks_are_told_on_demand(lines: list[Any]) -> None:
    """SIGUSR1 is for whoever wonders what it does."""
    with watching(lambda: None):
        os.kill(os.getpid(), signal.SIGUSR1)
        threads = await _said(lines, "Thread.")
    assert {line["log_level"] for line in threads} == {"info"}
    assert "MainThread" in {line["name"] for line in threads}
    assert signal.getsignal(signal.SIGUSR1) == signal.SIG_DFL
