"""What `bench/decode.py` found: tables, objects, and a dated file that is only appended to, a plot beside it."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench.decoding.corpora import CORPORA
from bench.decoding.programs import CXX_FLAGS, simdjson_version
from bench.job import SEED
from bench.machine import build, machine, versions
from bench.tables import aligned, markdown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from bench.decoding.measured import Measured

_LOCK: Final = Path(__file__).resolve().parents[1] / "micro" / "Cargo.lock"
_CRATES: Final = ("arrow-json", "simd-json", "sonic-rs")
_PACKAGES: Final = ("pyarrow", "polars", "duckdb", "orjson")


@dataclass(frozen=True, slots=True)
class Run:
    """One call of the bench."""

    measured: Sequence[Measured]
    corpus_bytes: int
    command: str

    @property
    def corpora(self) -> Sequence[str]:
        """In the order they were measured, as are the readers."""
        return tuple(dict.fromkeys(one.corpus for one in self.measured))

    @property
    def readers(self) -> Sequence[str]:
        """See `corpora`."""
        return tuple(dict.fromkeys(one.reader for one in self.measured))

    def of(self, corpus: str) -> Sequence[Measured]:
        """Of one corpus."""
        return tuple(one for one in self.measured if one.corpus == corpus)

    def as_objects(self) -> list[dict[str, object]]:
        """As they are printed."""
        return [one.as_object() for one in self.measured]

    def as_text(self) -> str:
        """Tables for a terminal."""
        titled = (f"{title}\n{aligned(rows)}" for title, rows in self._tables())
        return "\n\n".join([*titled, *self._remarks()])

    def as_markdown(self, plot: str) -> str:
        """A section of a results file; `plot` is the name of the plot beside it."""
        lines = [f"## {datetime.now(UTC):%H:%M} UTC", "", f"`{self.command}`", "", *self._circumstances()]
        for title, rows in self._tables():
            lines += ["", title, "", markdown(rows)]
        lines += ["", *(f"- {remark}" for remark in self._remarks())]
        return "\n".join([*lines, "", f"![Share of memcpy]({plot})", ""])

    def _tables(self) -> Iterator[tuple[str, Sequence[Sequence[str]]]]:
        yield "Share of memcpy; with ! the answer is wrong", self._table(_ratio)
        yield "GB/s of newline-delimited JSON", self._table(_rate)

    def _table(self, cell: Callable[[Measured], str]) -> Sequence[Sequence[str]]:
        cells = {(one.corpus, one.reader): cell(one) for one in self.measured}
        rows = ([reader, *(cells[corpus, reader] for corpus in self.corpora)] for reader in self.readers)
        return [["", *self.corpora], *rows]

    def _remarks(self) -> Iterator[str]:
        """What is wrong, once for all the corpora that it is wrong with, and which way was the fastest."""
        wrong: dict[tuple[str, str], list[str]] = {}
        ways: dict[tuple[str, str], list[str]] = {}
        for one in self.measured:
            if one.wrong:
                wrong.setdefault((one.reader, one.wrong), []).append(one.corpus)
            elif one.way:
                ways.setdefault((one.reader, one.way), []).append(one.corpus)
        for (reader, reason), corpora in wrong.items():
            yield f"{reader}, {', '.join(corpora)}: {reason}"
        several = [reader for reader, _ in ways]
        for (reader, way), corpora in ways.items():
            if several.count(reader) > 1:
                yield f"{reader}, {', '.join(corpora)}: fastest {way}"

    def _circumstances(self) -> Iterator[str]:
        """Lines of a Markdown list."""
        locked = {package["name"]: package["version"] for package in tomllib.loads(_LOCK.read_text())["package"]}
        pinned = ", ".join(f"{crate} {locked[crate]}" for crate in _CRATES)
        yield f"- Machine: {machine()}"
        yield f"- {build()}"
        yield f"- {versions(_PACKAGES)}"
        yield f"- {pinned}: release, thin LTO, no `target-cpu` (vectors as far as they pick them at run time)"
        yield f"- simdjson {simdjson_version()}, `{' '.join(CXX_FLAGS)}`"
        yield f"- Data: {self.corpus_bytes / 1e6:.0f} MB of each corpus, seed {SEED}"
        yield from (f"  - {name}: {CORPORA[name].about}" for name in self.corpora)
        yield "- One process per reader, one thread, one processor; processor time of the fastest pass"


def _ratio(one: Measured) -> str:
    return "-" if one.ratio_to_memcpy is None else f"{one.ratio_to_memcpy:.3f}" + ("!" if one.wrong else "")


def _rate(one: Measured) -> str:
    return "-" if one.gigabytes_per_second is None else f"{one.gigabytes_per_second:.3g}" + ("!" if one.wrong else "")


def write_results(run: Run, directory: Path) -> tuple[Path, Path]:
    """Append to today's file and draw the plot; both paths."""
    from bench.decoding.plot import draw  # noqa: PLC0415 (needs matplotlib)

    directory.mkdir(exist_ok=True)
    now = datetime.now(UTC)
    file, plot = directory / f"{now:%Y-%m-%d}-decode.md", directory / f"{now:%Y-%m-%d}-decode-{now:%H%M%S}.svg"
    draw(run, plot)
    heading = "" if file.exists() else "# Penstock's decoder beside other readers of JSON\n\n"
    section = run.as_markdown(plot.name)
    with file.open("a") as out:
        out.write(f"{heading}{section}\n")
    return file, plot
