"""The limit on dead letters: one bad record is data, a thousand in a row are a wrong pipeline."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from penstock.errors import DeadLetterLimitError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from penstock._native import OffsetRejection
    from penstock.batch import Partition

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

    def count(self, partition: Partition, records: int, rejections: Sequence[OffsetRejection]) -> None:
        """Take note of one decoded batch of `records`. Raises `DeadLetterLimitError` naming the newest rejection."""
        self._count_run(partition, records, rejections)
        self._batches.append((records, len(rejections)))
        self._records += records
        self._rejected += len(rejections)
        while self._records - self._batches[0][0] >= WINDOW_RECORDS:
            earlier, rejected = self._batches.popleft()
            self._records -= earlier
            self._rejected -= rejected
        if self._records >= JUDGED_FROM_RECORDS and self._rejected > self._ratio * self._records:
            what = f"{self._rejected} of the last {self._records} records"
            raise _error(what, f"ratio = {self._ratio}", partition, rejections[-1] if rejections else None)

    def _count_run(self, partition: Partition, records: int, rejections: Sequence[OffsetRejection]) -> None:
        if not records:
            return
        run, next_index = self._runs.pop(partition, 0), 0
        for rejection in rejections:
            run = run + 1 if rejection.index == next_index else 1
            next_index = rejection.index + 1
            if run > self._run:
                raise _error(f"{run} records in a row", f"run = {self._run}", partition, rejection)
        if next_index == records:
            self._runs[partition] = run


def _error(what: str, limit: str, partition: Partition, newest: OffsetRejection | None) -> DeadLetterLimitError:
    where = ""
    if newest is not None:
        where = f" The newest: {partition} offset {newest.offset}, {newest.code} at byte {newest.byte_position}."
    return DeadLetterLimitError(
        f"{what} are dead letters, over the limit ({limit} in [dead_letter] limit).{where} "
        "Nothing since the last commit is kept; correct [decode] or the limit and run again."
    )
