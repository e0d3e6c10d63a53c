"""Small parts of the pipeline: rotation, record limits, printed values, fail points, acknowledged offsets."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from penstock import failpoint
from penstock.batch import Partition, RawBatch, RecordColumns
from penstock.commit.acknowledge import Acknowledger, Metadata, format_metadata, parse_metadata
from penstock.daemon.dry_run import _plain
from penstock.delivery import OpenSize
from penstock.pipeline import up_to
from penstock.sink.rotation import Rotation
from penstock.telemetry.metrics import Metrics

if TYPE_CHECKING:
    from collections.abc import Mapping

PARTITION = Partition("cluster", "events", "id", 3)


def batch(offsets: list[int]) -> RawBatch:
    values = [str(offset).encode() for offset in offsets]
    columns: list[None] = [None] * len(offsets)
    records = RecordColumns(values, columns, [()] * len(offsets), offsets, offsets)
    return RawBatch(PARTITION, 1, offsets[0], offsets[-1] + 5, 100, records)


@pytest.mark.parametrize(
    ("size", "age", "due"),
    [
        (OpenSize(rows=9, file_bytes=99), 4.9, None),
        (OpenSize(rows=10, file_bytes=0), 0.0, "rows"),
        (OpenSize(rows=0, file_bytes=100), 0.0, "bytes"),
        (OpenSize(), 5.0, "age"),
    ],
)
def test_a_file_is_cut_by_whatever_comes_first(size: OpenSize, age: float, due: str | None) -> None:
    """Bytes, rows or age, each alone."""
    assert Rotation(100, 10, 5.0).due(size, age) == due


def test_record_limit_is_handed_down_to_the_batch_that_reaches_it() -> None:
    """What comes after it waits: the batch may turn out to have fewer records."""
    first, second, third = batch([1, 2]), batch([10, 12, 14]), batch([20])
    taken, rest = up_to([first, second, third], 4)
    assert ([each.limit for each in taken], list(rest)) == ([None, 2], [third])
    assert up_to([first, second], None) == ([first, second], ())
    assert up_to([first, second], 5) == ([first, second], ())


def test_record_limit_of_zero_takes_nothing() -> None:
    """Not even a batch that would only move the position."""
    assert up_to([batch([1])], 0) == ([], [batch([1])])


def test_a_dry_run_prints_decimals_with_all_their_digits() -> None:
    """As the table has them; not as `0E-9`."""
    assert [_plain(Decimal(text)) for text in ("0E-9", "1234.500")] == ["0.000000000", "1234.500"]


def test_acknowledged_metadata_is_read_back_and_others_is_not() -> None:
    """Only what Penstock wrote tells something about a table."""
    metadata = Metadata("table", "commit")
    assert parse_metadata(format_metadata(metadata)) == metadata
    for other in ("", "NO_METADATA", "[]", "1", '{"table": "x"}'):
        assert parse_metadata(other) is None


async def test_only_the_newest_offset_is_acknowledged_and_a_failure_is_repeated() -> None:
    """Two commits of one partition are one write; a failure is told once, and that it is over."""
    written: list[Mapping[Partition, tuple[int, str]]] = []
    failing = True

    async def write(offsets: Mapping[Partition, tuple[int, str]]) -> None:
        written.append(offsets)
        if failing:
            raise OSError

    metrics = Metrics()
    acknowledger = Acknowledger("table", write, metrics)
    acknowledger.committed(PARTITION, 10, "a")
    acknowledger.committed(PARTITION, 20, "b")
    with capture_logs() as lines:
        await acknowledger.flush()
        await acknowledger.flush()
        failing = False
        await acknowledger.flush()
        await acknowledger.flush()
    assert [line["log_level"] for line in lines] == ["warning", "info"]
    assert metrics.total("penstock_acknowledge_errors_total") == 2
    assert [offsets[PARTITION][0] for offsets in written] == [20, 20, 20]


async def test_acknowledging_never_waits_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """A group coordinator that does not answer holds nothing up."""
    monkeypatch.setattr("penstock.commit.acknowledge.FLUSH_SECONDS", 0.01)

    async def write(_offsets: Mapping[Partition, tuple[int, str]]) -> None:
        await asyncio.Event().wait()

    acknowledger = Acknowledger("table", write, Metrics())
    acknowledger.committed(PARTITION, 10, "a")
    await acknowledger.flush()


@pytest.mark.parametrize("text", ["nowhere:1", "after_cut:0", "after_cut:x", "after_cut:1:later"])
def test_a_fail_point_that_makes_no_sense_is_named(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """With the names there are."""
    monkeypatch.setenv(failpoint.VARIABLE, text)
    with pytest.raises(ValueError, match="after_fetch"):
        failpoint.configured()
