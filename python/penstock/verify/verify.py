"""Check a finished table from its files: nothing lost, nothing twice. No broker is asked, nothing is changed.

The invariants are those of the delivery protocol: per partition the ranges are contiguous from the origin (I1), each
offset is in at most one commit of a table (I4), and the records of a range are its rows, dead letters, filtered ones
and tombstones (I5). Offsets of dead letters are held in memory, 8 bytes each; of the main table one file at a time.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Any

from penstock.batch import Counts
from penstock.sink.local import LocalStorage
from penstock.verify.data_file import OFFSET, inspect, repeated
from penstock.verify.report import VerifyReport
from penstock.verify.table import TableFolder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from penstock.verify.data_file import Inspected
    from penstock.verify.table import PartitionKey

    Progress = Callable[[int, int], None]
    """Called after each file with the files done and all files."""


def verify(location: str | Path, dead_letters: str | Path | None, progress: Progress | None = None) -> VerifyReport:
    """Check the table at `location`, and its dead letters if their place is given.

    `UnavailableError` if a folder is missing or can't be read; all else is a finding. May run while a pipeline writes.
    """
    report = VerifyReport()
    # Main is listed first: a live pipeline commits dead letters before main, so none that main counts can be missing.
    main = _folder(location, report, dead_letter=False)
    beside = None if dead_letters is None else _folder(dead_letters, report, dead_letter=True)
    if main.is_table and (beside is None or (beside.is_table and _same_job(main, beside, report))):
        _Check(main, beside, report, progress or _silent).run()
    return report


class _Check:
    """One run over both tables, partition by partition."""

    def __init__(self, main: TableFolder, beside: TableFolder | None, report: VerifyReport, progress: Progress) -> None:
        self._main = main
        self._beside = beside
        self._report = report
        self._progress = progress
        self._done = 0
        self._hidden = False
        folders = (main,) if beside is None else (main, beside)
        self._total = sum(len(names) for folder in folders for names in folder.files.values())

    def run(self) -> None:
        """Fill the report."""
        report = self._report
        keys = sorted({*self._main.files, *(self._beside.files if self._beside else ())})
        counts = sum((self._partition(key) for key in keys), Counts())
        report.partitions = len(keys)
        report.records, report.rows, report.filtered = counts.records, counts.rows, counts.filtered
        report.dead_letters, report.tombstones = counts.dead_letters, counts.tombstones
        if self._beside is None and counts.dead_letters:
            report.notes.append(
                f"{counts.dead_letters} dead letters are counted; name their table (--dead-letters) to check them."
            )
        if self._hidden:
            report.notes.append(
                f"{self._main.storage.location} has no {OFFSET} column (kafka_columns = false): whether rows are twice "
                "within a file, or also dead letters, can't be checked. Ranges and counts are."
            )

    def _partition(self, key: PartitionKey) -> Counts:
        origin = self._main.origin(key)
        letters = self._dead_letters(key, origin)
        commits = []
        counts = Counts()
        for name in self._main.files.get(key, ()):
            found = self._inspect(self._main, name)
            if found is None or found.footer.counts is None:
                continue
            commits.append((name, found.footer))
            counts += found.footer.counts
            self._report.files += 1
            self._hidden = self._hidden or found.offsets is None
            if letters is not None:
                self._check_against(found, letters)
        self._main.check_chain(origin, commits)
        if letters is not None:
            end = commits[-1][1].range.end if commits else origin or 0
            self._check_pending(key, letters, end)
        return counts

    def _dead_letters(self, key: PartitionKey, origin: int | None) -> Any:
        """All offsets of the partition's dead letters; None if their table is not checked."""
        import pyarrow as pa  # noqa: PLC0415 - 100 ms that most commands never need
        import pyarrow.compute as pc  # noqa: PLC0415

        if self._beside is None:
            return None
        inspected = [self._inspect(self._beside, name) for name in self._beside.files.get(key, ())]
        files = [found for found in inspected if found is not None]
        self._beside.check_chain(origin, [(found.name, found.footer) for found in files])
        chunks = [chunk for found in files if found.offsets is not None for chunk in found.offsets.chunks]
        offsets = pa.chunked_array(chunks, pa.int64()).combine_chunks()
        offsets = offsets.take(pc.sort_indices(offsets))
        twice = repeated(offsets)
        if twice is not None and all(found.offsets is None or repeated(found.offsets) is None for found in files):
            holders = [found.name for found in files if pc.any(pc.equal(found.offsets, twice)).as_py()]
            self._report.findings.append(
                f"{self._beside.storage.location}: offset {twice} is in several files: {', '.join(holders)}. "
                "Read it once, and report this as a bug."
            )
        return offsets

    def _check_against(self, found: Inspected, letters: Any) -> None:
        """A main file and the dead letters of its range: as many as counted, and none of them a row."""
        import pyarrow.compute as pc  # noqa: PLC0415 - loaded already

        span, where = found.footer.range, f"{self._main.storage.location}/{found.name}"
        first, end = (bisect_left(letters, offset, key=lambda scalar: scalar.as_py()) for offset in span)
        inside = letters.slice(first, end - first)
        counted = found.footer.counts.dead_letters if found.footer.counts else 0
        distinct = pc.count_distinct(inside).as_py()
        if distinct != counted and self._beside is not None:
            self._report.findings.append(
                f"{where}: its footer counts {counted} dead letters, {self._beside.storage.location} has {distinct} "
                f"from offset {span.start} to {span.end - 1}. Is that the right table? If so, restore its files."
            )
        if found.offsets is not None and len(inside):
            both = found.offsets.filter(pc.is_in(found.offsets, value_set=inside))
            if len(both):
                self._report.findings.append(
                    f"{where}: offset {both[0].as_py()} is a row here and a dead letter too ({len(both)} such). "
                    "Two versions of the pipeline ran at once: decide by hand which to read."
                )

    def _check_pending(self, key: PartitionKey, letters: Any, end: int) -> None:
        import pyarrow.compute as pc  # noqa: PLC0415 - loaded already

        pending = pc.sum(pc.greater_equal(letters, end)).as_py() or 0
        if pending:
            self._report.notes.append(
                f"{key[0]}-{key[1]}: {pending} dead letters are beyond the main table's end ({end}); its next commit "
                "takes them up."
            )

    def _inspect(self, folder: TableFolder, name: str) -> Inspected | None:
        found = inspect(folder, name, self._report.findings)
        self._done += 1
        self._progress(self._done, self._total)
        return found


def _folder(location: str | Path, report: VerifyReport, *, dead_letter: bool) -> TableFolder:
    storage = LocalStorage(location)
    storage.check()
    return TableFolder(storage, "dead_letter" if dead_letter else "main", report)


def _same_job(main: TableFolder, beside: TableFolder, report: VerifyReport) -> bool:
    one, other = main.identity, beside.identity
    if one is None or other is None or one.job_id == other.job_id:
        return True
    report.findings.append(
        f"{beside.storage.location} has the dead letters of another job ({other.name}, {other.job_id}) than "
        f"{main.storage.location} ({one.name}, {one.job_id}). Name the one that belongs to it."
    )
    return False


def _silent(_done: int, _all: int) -> None:
    return
