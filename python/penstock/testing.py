"""Test a pipeline file with pytest, without Kafka, files or waiting.

`run_pipeline` sends records through the real pipeline (decode, transforms, cut, commit) with a memory source before it
and tables in memory behind it, and hands back what a reader of the tables would see. `docs/testing.md` shows how.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from penstock.batch import Partition
from penstock.commit import file_name
from penstock.config import load_test
from penstock.daemon.job import Job
from penstock.daemon.run import RunOptions, RunResult, telling
from penstock.sink.memory import MemoryStorage
from penstock.source.memory import CLUSTER_ID, MemorySource, Record, Wait

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from penstock.config import Config

__all__ = [
    "Clock",
    "Entry",
    "MemorySource",
    "MemoryStorage",
    "Record",
    "Result",
    "Tables",
    "Wait",
    "deliver",
    "run_pipeline",
]

TOPIC = "test"
_PLACE = "kafka_"

Entry: TypeAlias = bytes | Mapping[str, Any] | Record | Wait | None
"""A record's value, as bytes, as an object that is written as JSON, or None for a tombstone; or one with its key,
headers and time; or time that passes."""


class Clock:
    """Monotonic seconds that pass only when they are told to. The age of an open file goes by it."""

    def __init__(self) -> None:
        """At 0."""
        self.seconds = 0.0

    def __call__(self) -> float:
        """Now."""
        return self.seconds

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.seconds += seconds


@dataclass(frozen=True, slots=True)
class Tables:
    """The main and the dead-letter table, in memory. Given to a second run, it continues them."""

    main: MemoryStorage = field(default_factory=lambda: MemoryStorage("memory/rows"))
    dead_letter: MemoryStorage = field(default_factory=lambda: MemoryStorage("memory/dead-letters"))


@dataclass(frozen=True, slots=True)
class Result:
    """What one run left. `tables` holds it all, also of earlier runs; `report` counts this run only."""

    report: RunResult
    tables: Tables

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The main table: declared columns and `_residue`, without the `kafka_` columns; in source order."""
        return _rows(self.tables.main, whole=False)

    @property
    def dead_letters(self) -> list[dict[str, Any]]:
        """The dead-letter table, all columns: `code`, `message`, `byte_position`, `value`, `kafka_offset`..."""
        return _rows(self.tables.dead_letter, whole=True)

    def table(self) -> pa.Table:
        """The main table with all its columns, as Arrow; without any while nothing is committed."""
        return pa.concat_tables(_data_files(self.tables.main) or [pa.table({})])


def run_pipeline(
    pipeline: str | Path | Mapping[str, Any],
    records: Iterable[Entry],
    *,
    settings: Mapping[str, Any] | None = None,
    tables: Tables | None = None,
    clock: Clock | None = None,
) -> Result:
    """Run a pipeline file, or its sections as a dict, over `records`; returns when all of them are committed.

    The file's `[source]` is replaced, its paths are not touched. `settings` override keys: `{"sink.cut.rows": 10}`.
    `records` is all that the source has, also where `tables` of an earlier run are continued: what is in them is not
    read again. Raises what would end the process (`penstock.errors`). Not from a running event loop: see `deliver`.
    """
    config = load_test(
        Path(pipeline) if isinstance(pipeline, str) else pipeline,
        [f"{key}={_flag(value)}" for key, value in (settings or {}).items()],
    )
    tables, clock = tables or Tables(), clock or Clock()
    source = MemorySource({partition(): [_entry(record) for record in records]}, clock.advance)
    return asyncio.run(deliver(config, source, tables, clock))


async def deliver(config: Config, source: MemorySource, tables: Tables, clock: Clock) -> Result:
    """The part of `run_pipeline` that runs: for tests with several partitions, or with an event loop of their own."""

    def open_storage(path: Path) -> MemoryStorage:
        return tables.main if path == config.sink.path else tables.dead_letter

    job = Job(config, RunOptions(), source=source, open_storage=open_storage, clock=clock)
    try:
        totals = await job.run()
    except BaseExceptionGroup as group:
        raise telling(group) from group
    return Result(RunResult.of(totals, clock()), tables)


def partition(topic: str = TOPIC, number: int = 0) -> Partition:
    """A partition for a memory source; its id follows from the topic's name."""
    return Partition(CLUSTER_ID, topic, hashlib.sha256(topic.encode()).hexdigest()[:32], number)


def _entry(entry: Any) -> Record | Wait:
    if isinstance(entry, Record | Wait):
        return entry
    if entry is None or isinstance(entry, bytes):
        return Record(entry)
    return Record(orjson.dumps(entry))


def _flag(value: object) -> str:
    return orjson.dumps(value).decode() if not isinstance(value, str) else value


def _data_files(storage: MemoryStorage) -> list[pa.Table]:
    """Every data file. Not by `read_table`: its threads may hold the bytes until after the interpreter ended."""
    names = [name for name in storage.names("") if file_name.parse(name)]
    return [pq.ParquetFile(storage.open(name)).read(use_threads=False) for name in names]


def _rows(storage: MemoryStorage, *, whole: bool) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for table in _data_files(storage):
        columns: Sequence[str] = [name for name in table.column_names if whole or not name.startswith(_PLACE)]
        rows += table.select(columns).to_pylist()
    return rows
