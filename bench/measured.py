"""One entry's run of the job: what it cost, and whether the table is right."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bench import child
from bench.reference import data_files, difference

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bench.child import Cost
    from bench.entries import Entry
    from bench.feed import Feed
    from bench.job import Scenario, Size

_LAST_WORDS: Final = 300


@dataclass(frozen=True, slots=True)
class Measured:
    """What one entry did with one size in one scenario."""

    scenario: Scenario
    size: str
    name: str
    records: int
    value_bytes: int
    cost: Cost
    bytes_written: int
    wrong: str | None
    """What is wrong with it; None: every row is right."""
    start_up_seconds: float | None = None
    """CPU of the same job over hardly any events, which is part of what this one cost; None: it was not measured."""

    @property
    def events_per_cpu_second(self) -> float:
        """Of the events that went in, dropped ones too; 0 if the process failed: it did not do the job."""
        return self.records / self.cost.cpu_seconds if self.cost.exit_code == 0 else 0.0

    def as_object(self) -> dict[str, object]:
        """As it is printed."""
        return {
            "name": self.name,
            "events_per_cpu_second": round(self.events_per_cpu_second),
            "mb_per_cpu_second": round(self.events_per_cpu_second * self.value_bytes / self.records / 1e6, 1),
            "events_per_second": round(self.records / self.cost.seconds) if self.cost.exit_code == 0 else 0,
            "peak_rss_bytes": self.cost.peak_rss_bytes,
            "bytes_written": self.bytes_written,
            "correct": self.wrong is None,
        }


def measure(
    entry: Entry, scenario: Scenario, size: Size, feed: Feed, directory: Path, *, limit_seconds: float
) -> Measured:
    """Let `entry` do the job in `directory`, which is made and removed again."""
    directory.mkdir()
    try:
        log = directory / "log"
        command = entry.prepare(scenario, size, feed, directory)
        cost = child.run(command, limit_seconds=limit_seconds, env=entry.environment(size), log=log)
        table = directory / "table"
        if cost.exit_code == 0:
            wrong = difference(table, feed.expected)
        else:
            wrong = f"ended with {cost.exit_code} after {cost.seconds:.1f} s: {_last_words(log)}"
        written = sum(path.stat().st_size for path in data_files(table))
        return Measured(scenario, size.profile, entry.name, feed.records, feed.value_bytes, cost, written, wrong)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def median(rounds: Sequence[Measured]) -> Measured:
    """The round of median CPU; if one was wrong, that one."""
    wrong = [measured for measured in rounds if measured.wrong]
    by_cost = sorted(wrong or rounds, key=lambda measured: measured.cost.cpu_seconds)
    return by_cost[(len(by_cost) - 1) // 2]


def ratios(measured: Sequence[Measured], ours: str) -> dict[str, float]:
    """Events per CPU second of everybody who is right, relative to the best script that is; empty if none is."""
    right = {one.name: one.events_per_cpu_second for one in measured if one.wrong is None}
    scripts = [rate for name, rate in right.items() if name != ours]
    return {name: rate / max(scripts) for name, rate in right.items()} if scripts else {}


def _last_words(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()
    return lines[-1][:_LAST_WORDS] if lines else "it said nothing"
