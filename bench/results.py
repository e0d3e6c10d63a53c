"""What `bench/run.py` found: as a table, as objects, and as a dated file that is only appended to, a plot beside it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import TYPE_CHECKING, Final

from bench.circumstances import circumstances
from bench.entries import OURS
from bench.job import SIZES
from bench.measured import ratios
from bench.tables import aligned, markdown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from bench.job import Scenario
    from bench.measured import Measured

_HEADINGS: Final = (
    "",
    "events/CPU s",
    "MB/CPU s",
    "events/s",
    "start-up",
    "peak RSS MB",
    "written MB",
    "to best script",
    "correct",
)


@dataclass(frozen=True, slots=True)
class Group:
    """Those who did the same."""

    scenario: Scenario
    size: str
    measured: Sequence[Measured]

    @property
    def title(self) -> str:
        """What they did, in a line."""
        one = self.measured[0]
        codec = f", {SIZES[self.size].codec}" if self.scenario == "kafka_to_parquet" else ""
        return f"{self.scenario}, {self.size}: {one.records:,} events, {one.value_bytes / 1e6:,.0f} MB{codec}"

    def rows(self) -> Iterator[tuple[str, ...]]:
        """A table under `_HEADINGS`."""
        to_best = ratios(self.measured, OURS)
        for one in self.measured:
            values = one.as_object()
            yield (
                one.name,
                f"{values['events_per_cpu_second']:,}",
                f"{values['mb_per_cpu_second']:,}",
                f"{values['events_per_second']:,}",
                _share(one),
                f"{one.cost.peak_rss_bytes / 1e6:,.0f}",
                f"{one.bytes_written / 1e6:,.1f}",
                f"{to_best[one.name]:.2f}x" if one.name in to_best else "-",
                "yes" if one.wrong is None else "NO",
            )


def _share(one: Measured) -> str:
    """Of its CPU, what starting and ending took."""
    if one.start_up_seconds is None or not one.cost.cpu_seconds:
        return "-"
    return f"{one.start_up_seconds / one.cost.cpu_seconds:.0%}"


@dataclass(frozen=True, slots=True)
class Run:
    """One call of the bench."""

    measured: Sequence[Measured]
    rounds: int
    command: str

    def groups(self) -> Iterator[Group]:
        """In the order they were measured."""
        for (scenario, size), found in groupby(self.measured, key=lambda one: (one.scenario, one.size)):
            yield Group(scenario, size, tuple(found))

    def as_objects(self) -> list[dict[str, object]]:
        """As they are printed: with the scenario or the size where there are several."""
        several = [key for key in ("scenario", "size") if len({getattr(one, key) for one in self.measured}) > 1]
        return [{key: getattr(one, key) for key in several} | one.as_object() for one in self.measured]

    def as_text(self) -> str:
        """Tables for a terminal."""
        return "\n\n".join(f"{group.title}\n{aligned([_HEADINGS, *group.rows()])}" for group in self.groups())

    def as_markdown(self, plot: str) -> str:
        """A section of a results file; `plot` is the name of the plot beside it."""
        lines = [f"## {datetime.now(UTC):%H:%M} UTC", "", f"`{self.command}`", "", *circumstances(self.rounds)]
        for group in self.groups():
            lines += ["", group.title, "", markdown([_HEADINGS, *group.rows()])]
            lines += [f"\n{one.name}: {one.wrong}" for one in group.measured if one.wrong]
        return "\n".join([*lines, "", f"![Events per CPU second]({plot})", ""])


def write_results(run: Run, directory: Path) -> tuple[Path, Path]:
    """Append to today's file and draw the plot; both paths."""
    from bench.plot import draw  # noqa: PLC0415 (needs matplotlib)

    directory.mkdir(exist_ok=True)
    now = datetime.now(UTC)
    file, plot = directory / f"{now:%Y-%m-%d}-run.md", directory / f"{now:%Y-%m-%d}-run-{now:%H%M%S}.svg"
    draw(run, plot)
    heading = "" if file.exists() else "# Penstock beside hand-written scripts\n\n"
    with file.open("a") as out:
        out.write(heading + run.as_markdown(plot.name) + "\n")
    return file, plot
