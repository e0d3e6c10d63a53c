"""Places where a test can kill the process, to show that nothing is lost and nothing comes twice.

`PENSTOCK_FAILPOINT=name:n` sends SIGKILL to the process at the n-th pass through `name`; `name:n:stop` sends SIGSTOP,
so that a test can wake it up late. What is on disk and what is known differs at each name.
"""

from __future__ import annotations

import os
import signal
from collections import Counter
from typing import NamedTuple

VARIABLE = "PENSTOCK_FAILPOINT"

NAMES = (
    "after_fetch",  # records are in memory, nothing is decoded
    "mid_decode",  # the core works on them
    "after_cut",  # the range is fixed, its file not finished
    "mid_file_write",  # part of the bytes are in the temporary file
    "before_commit",  # the file is complete and synced, under its temporary name
    "during_commit",  # the file is visible, the answer has not been seen
    "after_commit",  # the answer was seen, memory has not advanced
    "before_ack",  # Kafka's committed offset is behind the table
    "during_ack",  # the request is sent
)

_SIGNALS = {"": signal.SIGKILL, "kill": signal.SIGKILL, "stop": signal.SIGSTOP}

_passes: Counter[str] = Counter()


class FailPoint(NamedTuple):
    """At the `passes`-th pass through `name` the process gets `signal`."""

    name: str
    passes: int
    signal: signal.Signals


def configured() -> FailPoint | None:
    """The fail point in force. Raises `ValueError` naming the variable where it makes no sense."""
    text = os.environ.get(VARIABLE)
    if not text:
        return None
    name, _, rest = text.partition(":")
    count, _, how = rest.partition(":")
    count = count or "1"
    if name not in NAMES or not count.isdecimal() or int(count) == 0 or how not in _SIGNALS:
        raise ValueError(f'{VARIABLE}="{text}": write NAME:N or NAME:N:stop, N from 1; names: {", ".join(NAMES)}.')
    return FailPoint(name, int(count), _SIGNALS[how])


def armed() -> bool:
    """Whether a fail point is set at all."""
    return VARIABLE in os.environ


def reach(name: str) -> None:
    """Pass through `name`: does not return if this is the pass that was asked for, or not before SIGCONT."""
    target = configured() if armed() else None
    if target is not None and target.name == name:
        _passes[name] += 1
        if _passes[name] == target.passes:
            os.kill(os.getpid(), target.signal)
