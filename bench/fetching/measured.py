"""One mode on one ring: how much per CPU second, and whether it is right."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tests.broker.process import spawn

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from bench.fetching.feed import Codec, Size
    from bench.fetching.ring import Ring

_CHILD: Final = Path(__file__).with_name("child.py")
_LAST_WORDS: Final = 200


@dataclass(frozen=True, slots=True)
class Measured:
    """What one mode did with one size and codec."""

    size: Size
    codec: Codec
    mode: str
    records_per_cpu_second: float
    """User and system time from the start of the process; 0 if it did not do it."""
    steady_per_cpu_second: float
    """The same from the first answer on."""
    wrong: str | None
    """What is wrong with it; None: every value is right."""

    def as_object(self) -> dict[str, object]:
        """As it is printed; with a reason where something is wrong."""
        found: dict[str, object] = {
            "bytes": self.size.bytes,
            "codec": self.codec,
            "mode": self.mode,
            "records_per_cpu_second": round(self.records_per_cpu_second),
            "correct": self.wrong is None,
        }
        return found | {"reason": self.wrong} if self.wrong else found


def measure(
    mode: str,
    size: Size,
    codec: Codec,
    ring: Ring,
    settings: Mapping[str, Any],
    *,
    cpu_seconds: float,
    limit_seconds: float,
) -> Measured:
    """Let `mode` read `ring` in a process of its own until that has used `cpu_seconds`."""
    command = (sys.executable, str(_CHILD), mode, str(cpu_seconds), ring.as_json(), json.dumps(settings))
    found, last_words = _run(command, limit_seconds)
    if found is None:
        return Measured(size, codec, mode, 0.0, 0.0, last_words)
    rate = found["records"] / found["cpu_seconds"]
    steady = found["steady_records"] / max(1e-9, found["steady_cpu_seconds"])
    return Measured(size, codec, mode, rate, steady, found["wrong"])


def _run(command: Sequence[str], limit_seconds: float) -> tuple[dict[str, Any] | None, str]:
    """What it printed, if it ended well, and how it ended."""
    with tempfile.TemporaryFile() as log:
        process = spawn(command, stdout=subprocess.PIPE, stderr=log)
        try:
            printed, _ = process.communicate(timeout=limit_seconds)
            ended = f"ended with {process.returncode}"
        except subprocess.TimeoutExpired:
            ended = f"not done after {limit_seconds:.0f} s"
            process.kill()
            process.communicate()
        finally:
            process.kill()
        log.seek(0)
        words = log.read().decode(errors="replace").strip().splitlines()
    if process.returncode == 0:
        return json.loads(printed), ended
    return None, f"{ended}: {words[-1][:_LAST_WORDS]}" if words else ended


def median(rounds: Sequence[Measured]) -> Measured:
    """The round of median rate; if one was wrong, that one."""
    wrong = [measured for measured in rounds if measured.wrong]
    by_rate = sorted(wrong or rounds, key=lambda measured: measured.records_per_cpu_second)
    return by_rate[(len(by_rate) - 1) // 2]


def ratio(measured: Iterable[Measured], mode: str, base: str) -> float | None:
    """How many times as much `mode` does as `base`, of one size and codec; None if one is wrong or missing."""
    rates = {one.mode: one.records_per_cpu_second for one in measured if one.wrong is None}
    return rates[mode] / rates[base] if mode in rates and base in rates else None
