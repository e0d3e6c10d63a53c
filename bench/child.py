"""One command in a process of its own, and what it cost. As a program: `child.py SECONDS COMMAND...` prints it as JSON.

A program of its own, because Linux counts the memory of whoever started a process into the peak of that process: this
one is small, a bench that holds what it expects is not.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.broker.process import spawn

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_GRACE_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Cost:
    """Of a process from its start to its end, with the children it waited for."""

    exit_code: int
    """Negative: the signal that ended it."""
    cpu_seconds: float
    """User and system time."""
    seconds: float
    peak_rss_bytes: int


def run(command: Sequence[str], *, limit_seconds: float, env: Mapping[str, str], log: Path) -> Cost:
    """Run `command` to its end, at most for `limit_seconds`: then it is killed. Its output is in `log`."""
    launcher = [sys.executable, __file__, str(limit_seconds), *command]
    with log.open("wb") as file:
        process = spawn(launcher, env={**os.environ, **env}, stdout=subprocess.PIPE, stderr=file)
        try:
            printed, _ = process.communicate(timeout=limit_seconds + _GRACE_SECONDS)
        finally:
            process.kill()
    return Cost(**json.loads(printed))


def main(limit_seconds: str, *command: str) -> None:
    """Print the cost of `command`, whose output goes where our standard error goes."""
    start = time.monotonic()
    process = spawn(command, stdout=sys.stderr.fileno(), stderr=sys.stderr.fileno())

    def kill() -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)

    timer = threading.Timer(float(limit_seconds), kill)
    timer.daemon = True
    timer.start()
    _, status, usage = os.wait4(process.pid, 0)
    timer.cancel()
    cost = Cost(
        exit_code=os.waitstatus_to_exitcode(status),
        cpu_seconds=usage.ru_utime + usage.ru_stime,
        seconds=time.monotonic() - start,
        peak_rss_bytes=usage.ru_maxrss * 1024,
    )
    print(json.dumps(asdict(cost)))


if __name__ == "__main__":
    main(*sys.argv[1:])
