"""What `bench/fetch.py` found: tables, objects, and a dated file that is only appended to, a plot beside it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import TYPE_CHECKING, Final

from confluent_kafka import libversion

from bench.circumstances import kafka_version
from bench.fetching.feed import PARTITIONS
from bench.fetching.measured import ratio
from bench.fetching.targets import TARGETS
from bench.job import SEED
from bench.machine import build, machine, versions
from bench.tables import aligned, markdown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path
    from typing import Any

    from bench.fetching.measured import Measured

_PACKAGES: Final = ("aiokafka", "confluent-kafka")
_HEADINGS: Final = ("", "records/CPU s", "after start-up", "to getmany", "to confluent", "correct")
_TARGET_HEADINGS: Final = ("ratio", "at least", "aim", "reached")


@dataclass(frozen=True, slots=True)
class Group:
    """The modes over one size and codec."""

    measured: Sequence[Measured]

    @property
    def title(self) -> str:
        """What they read, in a line."""
        one = self.measured[0]
        return f"{one.size.profile}, {one.codec}"

    def rows(self) -> Iterator[tuple[str, ...]]:
        """A table under `_HEADINGS`."""
        for one in self.measured:
            yield (
                one.mode,
                f"{one.records_per_cpu_second:,.0f}",
                f"{one.steady_per_cpu_second:,.0f}",
                _times(ratio(self.measured, one.mode, "getmany")),
                _times(ratio(self.measured, one.mode, "confluent")),
                "yes" if one.wrong is None else "NO",
            )


@dataclass(frozen=True, slots=True)
class Run:
    """One call of the bench."""

    measured: Sequence[Measured]
    rounds: int
    cpu_seconds: float
    settings: Mapping[str, Any]
    command: str

    def groups(self) -> Iterator[Group]:
        """In the order they were measured."""
        for _, found in groupby(self.measured, key=lambda one: (one.size.profile, one.codec)):
            yield Group(tuple(found))

    def as_objects(self) -> list[dict[str, object]]:
        """As they are printed."""
        return [one.as_object() for one in self.measured]

    def as_text(self) -> str:
        """Tables for a terminal."""
        tables = [(group.title, [_HEADINGS, *group.rows()]) for group in self.groups()]
        if targets := list(self._targets()):
            tables.append(("Targets", [_TARGET_HEADINGS, *targets]))
        return "\n\n".join(f"{title}\n{aligned(rows)}" for title, rows in tables)

    def as_markdown(self, plot: str) -> str:
        """A section of a results file; `plot` is the name of the plot beside it."""
        lines = [f"## {datetime.now(UTC):%H:%M} UTC", "", f"`{self.command}`", "", *self._circumstances()]
        for group in self.groups():
            lines += ["", group.title, "", markdown([_HEADINGS, *group.rows()])]
            lines += [f"\n{one.mode}: {one.wrong}" for one in group.measured if one.wrong]
        if targets := list(self._targets()):
            lines += ["", "Targets, start-up included", "", markdown([_TARGET_HEADINGS, *targets])]
        return "\n".join([*lines, "", f"![Records per CPU second]({plot})", ""])

    def _targets(self) -> Iterator[tuple[str, ...]]:
        """A table under `_TARGET_HEADINGS`, of what was measured."""
        groups = {(group.measured[0].size.profile, group.measured[0].codec): group for group in self.groups()}
        for target in TARGETS:
            group = groups.get((target.profile, target.codec))
            reached = group and ratio(group.measured, target.mode, target.base)
            if group and reached:
                what = f"{group.title}: {target.mode} to {target.base}"
                yield what, f"{target.least:g}x", f"{target.aim:g}x", _times(reached)

    def _circumstances(self) -> Iterator[str]:
        """Lines of a Markdown list."""
        settings = ", ".join(f"`{name}` {value:,}" for name, value in self.settings.items())
        yield f"- Machine: {machine()}"
        yield f"- {build()}"
        yield f"- {versions(_PACKAGES)}, librdkafka {libversion()[0]}"
        yield f"- Apache Kafka {kafka_version()} on the same machine, one broker, {PARTITIONS} partitions"
        yield f"- Data: `penstock.demo.events`, seed {SEED}; batches as librdkafka makes them; read round and round"
        yield f"- `fast`: {settings}; the others with their own settings, all `read_committed`"
        yield (
            f"- Median of {self.rounds} rounds, each a new process that reads until it has used {self.cpu_seconds:g} s "
            "of CPU, start-up included; every value is checked afterwards"
        )


def _times(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}x"


def write_results(run: Run, directory: Path) -> tuple[Path, Path]:
    """Append to today's file and draw the plot; both paths."""
    from bench.fetching.plot import draw  # noqa: PLC0415 (needs matplotlib)

    directory.mkdir(exist_ok=True)
    now = datetime.now(UTC)
    file, plot = directory / f"{now:%Y-%m-%d}-fetch.md", directory / f"{now:%Y-%m-%d}-fetch-{now:%H%M%S}.svg"
    draw(run, plot)
    heading = "" if file.exists() else "# Fetching from Kafka\n\n"
    with file.open("a") as out:
        out.write(heading + run.as_markdown(plot.name) + "\n")
    return file, plot
