"""The limit on dead letters: ratio over a window, run within a partition."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from penstock.batch import Partition
from penstock.dead_letter import DeadLetterLimit
from penstock.errors import DeadLetterLimitError


@dataclass(frozen=True)
class Rejected:
    index: int
    offset: int
    code: str = "invalid_json"
    byte_position: int = 7
    message: str = ""


def count(limit: DeadLetterLimit, start: int, records: int, rejected: range, number: int = 0) -> None:
    partition = Partition("cluster", "events", "id", number)
    rejections = [Rejected(offset - start, offset) for offset in rejected]
    limit.count(partition, records, rejections)  # type: ignore[arg-type]


def test_few_records_are_not_judged() -> None:
    """Half of the first hundred may be bad."""
    count(DeadLetterLimit(0.05, 1000), 0, 100, range(50))


def test_ratio_over_the_limit_stops_and_names_the_newest_rejection() -> None:
    """Six in a hundred are too many once a thousand records were seen."""
    limit = DeadLetterLimit(0.05, 1000)
    with pytest.raises(DeadLetterLimitError, match=r"60 of the last 1000 records.*events-0 offset 59, invalid_json"):
        count(limit, 0, 1000, range(60))


def test_ratio_at_the_limit_goes_on() -> None:
    """Five in a hundred are what was allowed."""
    count(DeadLetterLimit(0.05, 1000), 0, 1000, range(50))


def test_old_records_leave_the_window() -> None:
    """Bad records of long ago do not count against new ones."""
    limit = DeadLetterLimit(0.05, 10_000)
    count(limit, 0, 2000, range(100))
    for start in range(2000, 14_000, 2000):
        count(limit, start, 2000, range(0))
    count(limit, 14_000, 2000, range(14_000, 14_500))


def test_run_counts_across_batches_and_is_broken_by_a_good_record() -> None:
    """Ten in a row of one partition, over two batches, are too many; a good one in between begins anew."""
    broken = DeadLetterLimit(1.0, 9)
    count(broken, 0, 6, range(6))
    count(broken, 6, 1, range(0))
    count(broken, 7, 6, range(7, 13))
    limit = DeadLetterLimit(1.0, 9)
    count(limit, 0, 5, range(5))
    with pytest.raises(DeadLetterLimitError, match=r"10 records in a row.*offset 9"):
        count(limit, 5, 5, range(5, 10))


def test_runs_of_partitions_are_apart() -> None:
    """Five in each of two partitions are not ten in a row."""
    limit = DeadLetterLimit(1.0, 9)
    count(limit, 0, 5, range(5), number=0)
    count(limit, 0, 5, range(5), number=1)
    count(limit, 5, 4, range(5, 9), number=0)
