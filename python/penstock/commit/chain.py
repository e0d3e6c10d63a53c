"""A partition's commits in one Parquet directory: files of which each begins where the one before ended (I1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from penstock.commit import file_name, footer
from penstock.errors import PositionError

if TYPE_CHECKING:
    from penstock.batch import Partition
    from penstock.commit.footer import Footer
    from penstock.sink.storage import Storage


class Chain:
    """One partition in one table. Remembers the newest commit it has checked: files never change. Thread-safe."""

    def __init__(self, storage: Storage, table_id: str, partition: Partition) -> None:
        """Reads nothing."""
        self._storage = storage
        self._table_id = table_id
        self._partition = partition
        self._newest: Footer | None = None

    def newest(self, origin: int | None) -> Footer | None:
        """The last commit, all before it checked; None if there is none. `PositionError` names what is wrong.

        `origin` is where the chain begins, None if that is unknown.
        """
        try:
            return self._walk(origin)
        except _HoleError:
            # While files are being added a listing may have the second and miss the first. Not one that comes later.
            return self._walk(origin)

    def names(self) -> list[str]:
        """The chain's files in commit order, as they are listed now."""
        prefix = f"{file_name.partition_part(self._partition)}-"
        return [name for name in self._storage.names(prefix) if file_name.parse(name)]

    def _walk(self, origin: int | None) -> Footer | None:
        newest = self._newest
        names = self.names()
        if newest is not None:
            known = self._name(newest)
            if known not in names:
                raise PositionError(
                    f"{self._storage.location}/{known} was committed and is gone: restore it. Files of the table must "
                    "not be removed while a pipeline writes it."
                )
            names = names[names.index(known) + 1 :]
        for name in names:
            found = footer.read(self._storage, name)
            check_place(self._storage, name, found, self._table_id)
            expected = origin if newest is None else newest.range.end
            if expected is not None and found.range.start != expected:
                raise self._broken(name, found, newest, expected)
            newest = found
        # Only now: a call that was given up may still walk in another thread.
        self._newest = newest
        return newest

    def _broken(self, name: str, found: Footer, previous: Footer | None, expected: int) -> PositionError:
        where = f"{self._storage.location}: {self._partition}: {name} begins at offset {found.range.start}, but "
        where += f"{self._name(previous)} ends at {expected}" if previous else f"the origin is {expected}"
        if found.range.start > expected:
            return _HoleError(f"{where}: files between them are missing. Restore them.")
        return PositionError(
            f"{where}: they overlap. Remove the one that Penstock did not write; see `penstock verify`."
        )

    def _name(self, found: Footer) -> str:
        return file_name.data_file(self._partition, found.range.start)


class _HoleError(PositionError):
    """Offsets between two files are missing."""


def check_place(storage: Storage, name: str, found: Footer, table_id: str) -> None:
    """`PositionError` unless the file belongs to this table and to its name: such a footer is never a position."""
    where = f"{storage.location}/{name}"
    if found.table_id != table_id:
        raise PositionError(
            f"{where} was written for another table ({found.table_id}, not {table_id}): move it out of this folder."
        )
    expected = file_name.data_file(found.partition, found.range.start)
    if name != expected:
        raise PositionError(f"{where} was written as {expected}: give it back its name.")
