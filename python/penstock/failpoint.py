"""Places where a test can kill the process, to show that nothing is lost and nothing comes twice.

`PENSTOCK_FAILPOINT=name:n` sends SIGKILL to the process at the n-th pass through `name`. The names follow the fault
matrix: what is on disk and what is known differs at each.
"""

from __future__ import annotations

import os
import signal
from collections import Counter

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

_passes: Counter[str] = Counter()


def configured() -> tuple[str, int] | None:
    """The fail point in force. Raises `ValueError` naming the variable where it makes no sense."""
    text = os.environ.get(VARIABLE)
    if not text:
        return None
    name, _, count = text.partition(":")
    if name not in NAMES or not (count or "1").isdecimal() or count == "0":
        raise ValueError(f'{VARIABLE}="{text}": write NAME:N with N from 1; names are {", ".join(NAMES)}.')
    return name, int(count or "1")


def armed() -> bool:
    """Whether a fail point is set at all."""
    return VARIABLE in os.environ


def reach(name: str) -> None:
    """Pass through `name`: does not return if this is the pass that was asked for."""
    target = configured() if armed() else None
    if target is not None and target[0] == name:
        _passes[name] += 1
        if _passes[name] == target[1]:
            os.kill(os.getpid(), signal.SIGKILL)
