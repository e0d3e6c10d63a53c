"""One table's folder: whose it is, which files it has, and whether each partition's form a chain (I1)."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from penstock.batch import Partition
from penstock.commit import file_name, table
from penstock.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from penstock.commit.effects import Table
    from penstock.commit.footer import Footer
    from penstock.commit.table import Identity
    from penstock.sink.storage import Storage
    from penstock.verify.report import VerifyReport

PartitionKey = tuple[str, int, str]
"""Topic as in file names, number, topic id."""


class TableFolder:
    """What lies in a table's folder. Adds to `report` what is wrong with it."""

    def __init__(self, storage: Storage, role: Table, report: VerifyReport) -> None:
        """List it; `UnavailableError` if that can't be done."""
        self.storage = storage
        self.role = role
        self._report = report
        self.files: dict[PartitionKey, list[str]] = self._list()
        self.identity = self._identify()
        self.columns = self._schema()

    @property
    def is_table(self) -> bool:
        """Whether it is what it is taken for; otherwise nothing in it can be judged."""
        return self.identity is None or self.identity.role == self.role

    def origin(self, key: PartitionKey) -> int | None:
        """Where the chain of the partition must begin; None if that is not known, which is said where it is a fault."""
        topic, number, topic_id = key
        try:
            found = table.read_origin(self.storage, Partition("", topic, topic_id, number))
        except ConfigError as error:
            self._report.findings.append(str(error))
            return None
        if found is None:
            name = f"{table.ORIGIN}{topic}-{number:05}-{topic_id}.json"
            self._report.findings.append(
                f"{self.storage.location}/{name} is missing, so records before the first file may be lost: restore it."
            )
        return found

    def check_chain(self, origin: int | None, commits: Sequence[tuple[str, Footer]]) -> None:
        """Whether each file begins where the one before ended."""
        expected, before = origin, "the origin"
        for name, footer in commits:
            start = footer.range.start
            where = f"{self.storage.location}/{name}"
            if expected is not None and start > expected:
                self._report.findings.append(
                    f"{where}: offsets {expected} to {start - 1} are missing before it (after {before}). "
                    "Restore the files between."
                )
            elif expected is not None and start < expected:
                self._report.findings.append(
                    f"{where}: offsets {start} to {min(expected, footer.range.end) - 1} are in {before} already. "
                    "Remove the file that was put there by hand."
                )
            expected, before = max(expected or 0, footer.range.end), name

    def _list(self) -> dict[PartitionKey, list[str]]:
        """Data files by partition, in order of their starts; says what else there is.

        A listing made while a pipeline writes may have a new file and miss the one before, which the next listing has.
        """
        newest = {found[:3]: found.start for name in self.storage.names("") if (found := file_name.parse(name))}
        files = defaultdict(list)
        for name in self.storage.names(""):
            found = file_name.parse(name)
            if found is None:
                self._report_other(name)
            elif found.start <= newest.get(found[:3], -1):
                files[found[:3]].append(name)
        return dict(files)

    def _report_other(self, name: str) -> None:
        where = f"{self.storage.location}/{name}"
        if name.startswith(".") and name.endswith(".tmp"):
            self._report.notes.append(
                f"{where} is unfinished: it is being written, or will be removed at the next start."
            )
        elif name.endswith(".parquet") and not name.startswith((".", "_")):
            self._report.findings.append(f"{where} is not Penstock's, but readers take it for the table's. Move it.")
        else:
            self._report.notes.append(f"{where} is not Penstock's.")

    def _identify(self) -> Identity | None:
        where = f"{self.storage.location}/{table.TABLE}"
        try:
            found = table.identify(self.storage)
        except ConfigError as error:
            self._report.findings.append(str(error))
            return None
        if found is None:
            self._report.findings.append(f"{where} is missing: this is not a Penstock table, or _penstock was removed.")
        elif found.role != self.role:
            self._report.findings.append(f"{where}: this is a table of role {found.role}, checked as {self.role}.")
        return found

    def _schema(self) -> list[str] | None:
        """Names of the columns all files must have."""
        try:
            columns = table.fixed_schema(self.storage)
        except ConfigError as error:
            self._report.findings.append(str(error))
            return None
        if columns is None and self.files and self.identity is not None:
            self._report.findings.append(f"{self.storage.location}/{table.SCHEMA} is missing: restore it.")
        return None if columns is None else [column["name"] for column in columns]
