"""The limit on dead letters: one bad record is data, a thousand in a row are a wrong pipeline."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from penstock.errors import DeadLetterLimitError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from penstock._native import OffsetRejection
    from penstock.batch import Partition, RawBatch

WINDOW_RECORDS = 10_000
JUDGED_FROM_RECORDS = 1_000


class DeadLetterLimit:
    """Counts what is rejected: `ratio` over the last `WINDOW_RECORDS` records, `run` of one partition without a break.

    The window moves by whole batches: it holds the fewest newest ones with at least `WINDOW_RECORDS` together.
    """

    def __init__(self, ratio: float, run: int) -> None:
        self._ratio = ratio
        self._run = run
        self._batches: deque[tuple[int, int]] = deque()
        self._records = 0
        self._rejected = 0
        self._runs: dict[Partition, int] = {}

    def count(self, batch: RawBatch, rejections: Sequence[OffsetRejection]) -> None:
        """Take note of one decoded batch. Raises `DeadLetterLimitError` naming the newest rejection."""
        self._count_run(batch, rejections)
        self._batches.append((len(batch.offsets), len(rejections)))
        self._records += len(batch.offsets)
        self._rejected += len(rejections)
        while self._records - self._batches[0][0] >= WINDOW_RECORDS:
            records, rejected = self._batches.popleft()
            self._records -= records
            self._rejected -= rejected
        if self._records >= JUDGED_FROM_RECORDS and self._rejected > self._ratio * self._records:
            what = f"{self._rejected} of the last {self._records} records"
            raise _error(what, f"ratio = {self._ratio}", batch.partition, rejections[-1] if rejections else None)

    def _count_run(self, batch: RawBatch, rejections: Sequence[OffsetRejection]) -> None:
        if not rejections:
            if batch.offsets:
                self._runs.pop(batch.partition, None)
            return
        rejected = {rejection.offset: rejection for rejection in rejections}
        run = self._runs.get(batch.partition, 0)
        for offset in batch.offsets:
            rejection = rejected.get(offset)
            run = 0 if rejection is None else run + 1
            if rejection is not None and run > self._run:
                raise _error(f"{run} records in a row", f"run = {self._run}", batch.partition, rejection)
        self._runs[batch.partition] = run


def _error(what: str, limit: str, partition: Partition, newest: OffsetRejection | None) -> DeadLetterLimitError:
    where = ""
    if newest is not None:
        where = f" The newest: {partition} offset {newest.offset}, {newest.code} at byte {newest.byte_position}."
    return DeadLetterLimitError(
        f"{what} are dead letters, over the limit ({limit} in [dead_letter] limit).{where} "
        "Nothing since the last commit is kept; correct [decode] or the limit and run again."
    )
