"""Notices an event loop that does not turn, and logs where every thread and task stands, once per stall.

Stacks are places (file, line, function), never values. A core that held the GIL could not be noticed from here: it
releases it for whatever takes time.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from penstock.telemetry.log import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import FrameType

log = get_logger("penstock.telemetry")

STUCK_SECONDS = 10.0
CHECKS_PER_STALL = 10
DEEPEST = 50
TASKS = 100
"""More are counted, not shown."""


class StuckDetector:
    """Watches the running loop from a thread of its own, from `start` to `stop`."""

    def __init__(self, on_stall: Callable[[], object], stuck_seconds: float = STUCK_SECONDS) -> None:
        """`on_stall` is called once per stall, in the detector's thread."""
        self._on_stall = on_stall
        self._interval = stuck_seconds / CHECKS_PER_STALL
        self._loop = asyncio.get_running_loop()
        self._turns = 0
        self._timer: asyncio.TimerHandle | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="stuck-detector", daemon=True)

    def start(self) -> None:
        """Call on the event loop."""
        self._turn()
        self._thread.start()

    def stop(self) -> None:
        """Call on the event loop."""
        if self._timer is not None:
            self._timer.cancel()
        self._ended.set()
        self._thread.join()

    def _turn(self) -> None:
        self._turns += 1
        self._timer = self._loop.call_later(self._interval, self._turn)

    def _watch(self) -> None:
        """Counts looks without a turn, not time: a process that was stopped as a whole did not stall."""
        seen, still, since, told = -1, 0, 0.0, False
        while not self._ended.wait(self._interval):
            if self._turns != seen:
                if told:
                    log.warning("The event loop turns again.", seconds=round(time.monotonic() - since, 1))
                seen, still, since, told = self._turns, 0, time.monotonic(), False
                continue
            still += 1
            # The turn itself may be as late as one look.
            if still > CHECKS_PER_STALL and not told:
                told = True
                log.error(
                    "The event loop does not turn; heartbeats and health checks stand still.",
                    seconds=round(time.monotonic() - since, 1),
                )
                log_stacks(self._loop, log.error)
                self._on_stall()


@contextmanager
def watching(on_stall: Callable[[], object]) -> Iterator[None]:
    """A detector for the running loop, inside the block; SIGUSR1 logs the stacks at any time."""
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGUSR1, log_stacks, loop, log.info)
    detector = StuckDetector(on_stall)
    detector.start()
    try:
        yield
    finally:
        detector.stop()
        loop.remove_signal_handler(signal.SIGUSR1)


def log_stacks(loop: asyncio.AbstractEventLoop, say: Callable[..., object]) -> None:
    """Say one line per thread and per task of `loop`, innermost place first. Callable from any thread."""
    frames = sys._current_frames()  # noqa: SLF001 - there is no other way to see other threads' stacks
    for thread in threading.enumerate():
        frame = frames.get(thread.ident or 0)
        say("Thread.", name=thread.name, stack=_text(_outwards(frame)))
    tasks = sorted(asyncio.all_tasks(loop), key=asyncio.Task.get_name)
    for task in tasks[:TASKS]:
        say("Task.", name=task.get_name(), stack=_text(_inwards(task)))
    if len(tasks) > TASKS:
        say("There are more tasks.", tasks=len(tasks))


def _outwards(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def _inwards(task: asyncio.Task[Any]) -> list[FrameType]:
    """Where it waits, innermost first. `Task.get_stack` knows only the outermost frame of a task that waits."""
    frames: list[FrameType] = []
    waiting: Any = task.get_coro()
    while waiting is not None:
        frame = getattr(waiting, "cr_frame", None) or getattr(waiting, "gi_frame", None)
        if frame is not None:
            frames.insert(0, frame)
        waiting = getattr(waiting, "cr_await", None) or getattr(waiting, "gi_yieldfrom", None)
    return frames


def _text(frames: Iterable[FrameType]) -> str:
    """`penstock/pipeline.py:120 run < asyncio/events.py:80 _run`: the two last parts of the path are enough."""
    places = [
        f"{'/'.join(Path(frame.f_code.co_filename).parts[-2:])}:{frame.f_lineno} {frame.f_code.co_name}"
        for frame in frames
    ]
    return " < ".join(places[:DEEPEST])
