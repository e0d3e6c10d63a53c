"""What was produced, offset by offset, and the comparison of a table with it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from tests.broker.records import ABORTED, FILTERED, ROW, TOMBSTONE, Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

_MILLISECONDS = pa.timestamp("ms", "UTC")
_INVISIBLE = frozenset({TOMBSTONE, ABORTED, FILTERED})


class Position(NamedTuple):
    """Where a record stands in Kafka."""

    topic: str
    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """Every difference between a table and its source. All empty: nothing lost, nothing twice, nothing wrong."""

    rows: int
    dead_letters: int
    lost: list[Position] = field(default_factory=list)
    duplicated: list[Position] = field(default_factory=list)
    unexpected: list[Position] = field(default_factory=list)
    wrong_value: list[str] = field(default_factory=list)
    wrong_verdict: list[str] = field(default_factory=list)

    @property
    def exact(self) -> bool:
        """Whether table and source agree."""
        return not (self.lost or self.duplicated or self.unexpected or self.wrong_value or self.wrong_verdict)

    def __str__(self) -> str:
        """Counts, and the first few of each difference."""
        parts = [f"{self.rows} rows, {self.dead_letters} dead letters"]
        parts.extend(
            f"{len(found)} {name}: " + "; ".join(map(str, found[:5]))
            for name in ("lost", "duplicated", "unexpected", "wrong_value", "wrong_verdict")
            if (found := getattr(self, name))
        )
        return "\n".join(parts)


class SourceLog:
    """The expected content of a table: every record Kafka acknowledged, with its fate."""

    def __init__(self) -> None:
        """Empty."""
        self.fate: Callable[[Record], Record] = lambda record: record
        """What the pipeline's steps make of a record."""
        self.entries: dict[Position, Record] = {}
        self.timestamps: dict[Position, int | None] = {}

    def add(self, position: Position, record: Record, timestamp: int | None) -> None:
        """The source has the record there, stamped in milliseconds."""
        self.entries[position] = self.fate(record)
        self.timestamps[position] = timestamp

    def abort(self, positions: Iterable[Position]) -> None:
        """These belonged to a transaction that was aborted: nobody may see them."""
        for position in positions:
            record = self.entries[position]
            self.entries[position] = Record(record.key, record.value, ABORTED, ABORTED)

    def where(self, keep: Callable[[Position], bool]) -> SourceLog:
        """The log of only some positions; what is left out must not be in the table."""
        part = SourceLog()
        for position, record in self.entries.items():
            if keep(position):
                part.add(position, record, self.timestamps[position])
        return part

    def count(self, verdict: str = ROW) -> int:
        """How many records have that fate."""
        return sum(record.verdict == verdict for record in self.entries.values())

    def visible(self) -> int:
        """How many rows and dead letters a complete table has."""
        return sum(record.verdict not in _INVISIBLE for record in self.entries.values())

    def compare(self, table: Path, dead_letters: Path, *, changed: bool = False) -> Comparison:
        """Read every row and dead letter and hold it against the log.

        With `changed` a record may have either of its two verdicts, but still exactly one place.
        """
        found = Comparison(0, 0)
        rows, dead = Counter[Position](), Counter[Position]()
        for position, row in _read(table, ["event_id", "level", "tokens", "_residue"]):
            rows[position] += 1
            self._check_row(position, row, found, changed=changed)
        for position, row in _read(dead_letters, ["kafka_key", "value", "code"]):
            dead[position] += 1
            self._check_dead_letter(position, row, found, changed=changed)
        found.duplicated.extend(sorted(p for p, times in (rows + dead).items() if times > 1))
        expected = (p for p, record in self.entries.items() if record.verdict not in _INVISIBLE)
        found.lost.extend(sorted(p for p in expected if p not in rows and p not in dead))
        return Comparison(
            rows.total(),
            dead.total(),
            found.lost,
            found.duplicated,
            found.unexpected,
            found.wrong_value,
            found.wrong_verdict,
        )

    def _check_row(self, position: Position, row: dict[str, Any], found: Comparison, *, changed: bool) -> None:
        if (record := self.entries.get(position)) is None:
            found.unexpected.append(position)
        elif ROW not in ({record.verdict, record.changed} if changed else {record.verdict}):
            found.wrong_verdict.append(f"{position} is a row, not {record.verdict}")
        else:
            stamp = row.pop("kafka_timestamp")
            if row["_residue"] is not None:
                row["_residue"] = orjson.loads(row["_residue"])
            if row != record.columns or stamp != self.timestamps[position]:
                found.wrong_value.append(f"{position}: {row} at {stamp}, expected {record.columns}")

    def _check_dead_letter(self, position: Position, row: dict[str, Any], found: Comparison, *, changed: bool) -> None:
        if (record := self.entries.get(position)) is None:
            found.unexpected.append(position)
        elif row["code"] not in ({record.verdict, record.changed} if changed else {record.verdict}):
            found.wrong_verdict.append(f"{position} is a dead letter {row['code']}, not {record.verdict}")
        elif (row["value"], row["kafka_key"]) != (record.value, record.key):
            found.wrong_value.append(f"{position}: dead letter has {row['value']!r}, key {row['kafka_key']!r}")
        elif row["kafka_timestamp"] != self.timestamps[position]:
            found.wrong_value.append(f"{position}: dead letter stamped {row['kafka_timestamp']}")


def data_files(table: Path) -> list[Path]:
    """The table's visible files, oldest names first."""
    return sorted(path for path in table.glob("*.parquet") if not path.name.startswith("."))


def _read(table: Path, columns: list[str]) -> Iterator[tuple[Position, dict[str, Any]]]:
    places = ["kafka_topic", "kafka_partition", "kafka_offset", "kafka_timestamp"]
    for path in data_files(table):
        read = pq.read_table(path, columns=[*places, *columns], partitioning=None)
        stamps = read.column("kafka_timestamp").cast(_MILLISECONDS).cast("int64").to_pylist()
        where = zip(*(read.column(name).to_pylist() for name in places[:3]), strict=True)
        rows = read.select(columns).to_pylist()
        for (topic, partition, offset), stamp, row in zip(where, stamps, rows, strict=True):
            yield Position(topic, partition, offset), row | {"kafka_timestamp": stamp}
