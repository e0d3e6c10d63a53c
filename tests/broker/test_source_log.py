"""The comparison that the other tests trust finds every kind of difference."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.broker.records import ROW, TOMBSTONE, Record, records
from tests.broker.source_log import Position, SourceLog

if TYPE_CHECKING:
    from pathlib import Path

_STAMP = 1_767_225_600_123


class Table:
    """A log of a hundred records and the two tables that fit it, before they are written."""

    def __init__(self, directory: Path) -> None:
        self.log = SourceLog()
        self.rows: list[dict[str, Any]] = []
        self.dead: list[dict[str, Any]] = []
        self._directory = directory
        for offset, record in enumerate(records(100, seed=1)):
            self.log.add(Position("t", 0, offset), record, _STAMP)
            where = {"kafka_topic": "t", "kafka_partition": 0, "kafka_offset": offset, "kafka_timestamp": _STAMP}
            if record.columns is not None:
                residue = record.columns["_residue"]
                self.rows.append({**where, **record.columns, "_residue": residue and json.dumps(residue)})
            elif record.verdict != TOMBSTONE:
                self.dead.append({**where, "kafka_key": record.key, "value": record.value, "code": record.verdict})

    def compare(self) -> dict[str, int]:
        """How many differences of each kind."""
        for name, rows in (("main", self.rows), ("dead", self.dead)):
            (self._directory / name).mkdir()
            table = pa.Table.from_pylist(rows)
            stamps = pa.array([_STAMP] * len(rows), pa.timestamp("ms", "UTC"))
            index = table.schema.get_field_index("kafka_timestamp")
            pq.write_table(table.set_column(index, "kafka_timestamp", stamps), self._directory / name / "a.parquet")
        found = self.log.compare(self._directory / "main", self._directory / "dead")
        kinds = ("lost", "duplicated", "unexpected", "wrong_value", "wrong_verdict")
        counts = {kind: len(getattr(found, kind)) for kind in kinds}
        assert found.exact == (not any(counts.values()))
        return {kind: count for kind, count in counts.items() if count}


@pytest.fixture
def table(tmp_path: Path) -> Table:
    """A table and its dead letters that fit their log."""
    return Table(tmp_path)


def test_fitting_tables_have_no_difference(table: Table) -> None:
    """Rows, drifted rows and every kind of dead letter are recognised."""
    assert table.compare() == {}
    assert {record.verdict for record in table.log.entries.values()} > {ROW, TOMBSTONE, "too_deep"}


def test_lost_row_is_found(table: Table) -> None:
    """A row that is not there is named."""
    table.rows.pop()
    assert table.compare() == {"lost": 1}


def test_lost_dead_letter_is_found(table: Table) -> None:
    """So is a dead letter."""
    table.dead.pop()
    assert table.compare() == {"lost": 1}


def test_row_that_came_twice_is_found(table: Table) -> None:
    """Twice in one table."""
    table.rows.append(table.rows[0])
    assert table.compare() == {"duplicated": 1}


def test_record_in_both_tables_is_found(table: Table) -> None:
    """Once in each: the place that does not fit is wrong too."""
    place = {key: value for key, value in table.rows[0].items() if key.startswith("kafka_")}
    table.dead.append({**place, "kafka_key": b"", "value": b"", "code": "too_deep"})
    assert table.compare() == {"duplicated": 1, "wrong_verdict": 1}


def test_wrong_values_are_found(table: Table) -> None:
    """One changed column, one changed raw value."""
    table.rows[3]["level"] = "other"
    table.dead[2]["value"] = b"other"
    assert table.compare() == {"wrong_value": 2}


def test_wrong_code_is_found(table: Table) -> None:
    """A dead letter for another reason."""
    table.dead[0]["code"] = "lone_surrogate"
    assert table.compare() == {"wrong_verdict": 1}


def test_aborted_and_unknown_records_are_found(table: Table) -> None:
    """What was aborted or never produced must not be visible."""
    table.log.abort([Position(*(table.rows[0][f"kafka_{key}"] for key in ("topic", "partition", "offset")))])
    table.log = table.log.where(lambda position: position.offset != table.rows[1]["kafka_offset"])
    assert table.compare() == {"unexpected": 1, "wrong_verdict": 1}


def test_records_are_the_same_for_the_same_seed() -> None:
    """Failures can be run again."""
    assert list(records(50, seed=3)) == list(records(50, seed=3))
    assert list(records(50, seed=3)) != list(records(50, seed=4))
    assert all(isinstance(record, Record) for record in records(50, seed=3))
