"""What a table's own files say is committed: the demo believes nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow.parquet as pq

from penstock.batch import Counts
from penstock.commit import footer

if TYPE_CHECKING:
    from pathlib import Path


class TableFiles:
    """The data files of a Parquet directory, read by their footers. A file is committed once its name is there."""

    def __init__(self, directory: Path) -> None:
        """The directory need not exist yet. Nothing is read before `refresh`."""
        self.directory = directory
        self._seen: set[str] = set()
        self.counts = Counts()
        """Sum over all files of a main table, as their footers count."""
        self.rows = 0
        """Rows that are in the files."""
        self.size_bytes = 0
        self.positions: dict[int, int] = {}
        """Per partition the first offset that is not committed."""

    @property
    def files(self) -> int:
        """How many there are."""
        return len(self._seen)

    def refresh(self) -> None:
        """Read the footers of the files that are new since the last call."""
        for path in sorted(self.directory.glob("[!._]*.parquet")):
            if path.name not in self._seen:
                self._add(path)
                self._seen.add(path.name)

    def _add(self, path: Path) -> None:
        metadata = pq.read_metadata(path)
        said = footer.decode(metadata.metadata, metadata.num_rows)
        if said.counts is not None:
            self.counts += said.counts
        self.rows += said.file_rows
        self.size_bytes += path.stat().st_size
        number = said.partition.number
        self.positions[number] = max(said.range.end, self.positions.get(number, 0))
