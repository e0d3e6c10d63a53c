"""The seam to where a partition is delivered: main and dead-letter table of one job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from penstock.batch import Cut, Outcome, Partition, Range
    from penstock.commit.effects import Table
    from penstock.commit.position import TableState
    from penstock.sink.data_file import DataFile


class Tables(Protocol):
    """Main and dead-letter table of one job. Every call may block, so it is made in the storage executor."""

    def refresh(self, partition: Partition) -> TableState:
        """What the tables say about `partition` now."""

    def put_origin(self, partition: Partition, offset: int) -> None:
        """Create the origin if there is none."""

    def load_verdicts(self, partition: Partition, within: Range) -> list[int]:
        """Offsets in `within` that the dead-letter table holds."""

    def footer(self, table: Table, cut: Cut, span: Range) -> dict[str, str]:
        """Metadata of the file of `cut` in `table`."""

    def create(self, table: Table, partition: Partition, start: int, commit_id: str) -> DataFile:
        """A new data file."""

    def put(self, table: Table, file: DataFile, cut: Cut, span: Range) -> Outcome:
        """Publish `file` as the commit that starts at `span.start`, if there is none."""
