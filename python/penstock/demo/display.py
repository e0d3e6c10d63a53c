"""What the demo shows: progress while it runs, then rows, dead letters and what to try next."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import pyarrow.dataset as ds
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from types import TracebackType

    from rich.console import Console, RenderableType

    from penstock.demo.demo import DemoResult

_PLAIN_SECONDS: Final = 2.0
_MEGABYTE: Final = 1e6
_BAR_WIDTH: Final = 50
_SAMPLE_ROWS: Final = 5
_SAMPLE_COLUMNS: Final = ("at", "service", "event", "model", "total_tokens")
_DEAD_LETTERS: Final = 4
_DEAD_LETTER_COLUMNS: Final = ("code", "kafka_partition", "kafka_offset", "byte_position", "message")


@dataclass(frozen=True, slots=True)
class Progress:
    """Where the demo stands, after something was sent. What is committed is what the tables' files say."""

    seconds: float
    total: int
    sent: int
    sent_bytes: int
    committed: int
    dead_letters: int
    files: int
    size_bytes: int

    def facts(self) -> dict[str, str]:
        """Names and values, for people."""
        rate = self.committed / self.seconds
        megabytes = rate * self.sent_bytes / self.sent / _MEGABYTE
        return {
            "in the table": f"{self.committed:,} of {self.total:,} events",
            "rate": f"{rate:,.0f} events/s, {megabytes:,.1f} MB/s",
            "lag": f"{self.sent - self.committed:,} events",
            "rejected": f"{self.dead_letters:,} (in the dead-letter table)",
            "files": f"{self.files:,} Parquet files, {self.size_bytes / _MEGABYTE:,.1f} MB",
        }


class ProgressView:
    """Live on a terminal, a line every two seconds elsewhere. A context manager."""

    def __init__(self, console: Console) -> None:
        """`console` is where people look, not where data goes."""
        self._console = console
        self._live = Live(console=console, auto_refresh=False, transient=True) if console.is_terminal else None
        self._told = time.monotonic()

    def update(self, progress: Progress) -> None:
        """Show it; cheap enough for ten times a second."""
        if self._live is not None:
            self._live.update(_panel(progress), refresh=True)
        elif time.monotonic() - self._told >= _PLAIN_SECONDS:
            self._told = time.monotonic()
            facts = "; ".join(f"{name} {value}" for name, value in progress.facts().items())
            self._console.print(f"{progress.seconds:.0f} s: {facts}", soft_wrap=True, highlight=False)

    def __enter__(self) -> Self:
        """Take the terminal."""
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Give it back."""
        if self._live is not None:
            self._live.stop()


def _panel(progress: Progress) -> RenderableType:
    table = _pairs(progress.facts())
    table.add_row("", ProgressBar(total=progress.total, completed=progress.committed, width=_BAR_WIDTH))
    return table


def _pairs(facts: dict[str, str]) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim")
    for name, value in facts.items():
        table.add_row(name, Text(value))
    return table


def show_result(result: DemoResult, console: Console) -> None:
    """Rows and dead letters as they are in the files, the sums, and what to try next."""
    path = result.path
    console.print(_sample("Some of the rows", path, _SAMPLE_COLUMNS, _SAMPLE_ROWS))
    if result.dead_letters:
        console.print(_sample("Some of the dead letters", result.dead_letter_path, _DEAD_LETTER_COLUMNS, _DEAD_LETTERS))
    rate = result.produced / result.seconds
    console.print(
        _pairs(
            {
                "produced": f"{result.produced:,} events in {result.seconds:,.1f} s: {rate:,.0f} events/s",
                "rows": f"{result.rows:,} in {path}",
                "dead letters": f"{result.dead_letters:,} in {result.dead_letter_path}",
                "tombstones": f"{result.tombstones:,}, no row by definition",
                "sum": "rows + dead letters + filtered + tombstones = produced: nothing lost, nothing twice",
            }
        )
    )
    console.print("\nNext:", style="bold")
    for command, purpose in _next_commands(result):
        console.print(Text.assemble("  ", (command, "cyan"), f"\n      {purpose}"), soft_wrap=True)


def _next_commands(result: DemoResult) -> list[tuple[str, str]]:
    path = result.path
    query = f"import pyarrow.dataset as d; t = d.dataset('{path}').to_table(); print(t.group_by('service')"
    return [
        (f"penstock verify {path} --dead-letters {result.dead_letter_path}", "check both tables, file by file"),
        (f"python -c \"{query}.aggregate([('total_tokens', 'sum')]))\"", "query the rows with pyarrow"),
        (f"duckdb -c \"FROM '{path}/*.parquet' SELECT service, sum(total_tokens) GROUP BY ALL\"", "or with DuckDB"),
        (f"penstock run {result.pipeline_file}", "your own pipeline: set brokers, topics and columns in it first"),
    ]


def _sample(title: str, path: str, columns: tuple[str, ...], count: int) -> Table:
    files = sorted(str(file) for file in Path(path).glob("[!._]*.parquet"))
    dataset = ds.dataset(files)
    rows: list[dict[str, Any]] = dataset.head(count, columns=list(columns)).to_pylist()
    table = Table(title=title, title_justify="left", box=None, padding=(0, 2, 0, 0))
    for column in columns:
        numeric = any(isinstance(row[column], int | float) for row in rows)
        heading = column.removeprefix("kafka_").replace("_", " ")
        # The last column gives way on a narrow terminal.
        widest = 0 if column == columns[-1] else max(len(_cell(row[column])) for row in rows)
        table.add_column(
            heading,
            justify="right" if numeric else "left",
            overflow="ellipsis",
            no_wrap=True,
            min_width=max(widest, len(heading)),
        )
    for row in rows:
        table.add_row(*(Text(_cell(value)) for value in row.values()))
    return table


def _cell(value: object) -> str:
    match value:
        case None:
            return ""
        case datetime():
            return f"{value:%Y-%m-%d %H:%M:%S}"
    return str(value)
