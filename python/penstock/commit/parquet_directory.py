"""Commits to Parquet directories: the file is the commit.

A data file becomes visible under a name made of its partition and start, if that name is absent; so there is one
winner per start, and following the ends gives the position. The rules are in `commit/protocol.py`.
"""

from __future__ import annotations

import json
import threading
from bisect import bisect_right
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from penstock.batch import Committed, Lost, Unknown
from penstock.commit import file_name, footer, table
from penstock.commit.chain import Chain
from penstock.commit.position import LastCommit, TableState
from penstock.errors import ConfigError
from penstock.sink.data_file import DataFile
from penstock.sink.storage import FileLostError, OutageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from penstock.batch import Cut, Outcome, Partition, Range
    from penstock.commit.effects import Table
    from penstock.commit.table import Identity
    from penstock.sink.storage import Storage

ROLES: tuple[Table, Table] = ("main", "dead_letter")


class ParquetDirectory:
    """Main and dead-letter directory of one job; the `Tables` of `commit/tables.py`.

    Every call blocks. Thread-safe; a `DataFile` belongs to one thread at a time.
    """

    def __init__(
        self,
        main: Storage,
        dead_letter: Storage,
        *,
        name: str,
        cluster_id: str,
        schemas: Mapping[Table, str] | None = None,
        take_over: bool = False,
    ) -> None:
        """Make or open both tables. `schemas` are as for `declare`, which is to be called before the first `put`.

        `ConfigError`: paths that contain each other, another owner (see `take_over`), role or cluster, other columns.
        """
        check_apart(main.location, dead_letter.location)
        self._storage: dict[Table, Storage] = {"main": main, "dead_letter": dead_letter}
        owner = table.claim(main, "main", name, cluster_id, None, take_over=take_over)
        beside = table.claim(dead_letter, "dead_letter", name, cluster_id, owner.job_id, take_over=take_over)
        self._identity: dict[Table, Identity] = {"main": owner, "dead_letter": beside}
        self._columns: dict[Table, list[dict[str, Any]]] = {}
        self._fixed: set[Table] = set()
        self._chains: dict[tuple[Table, Partition], Chain] = {}
        self._lock = threading.Lock()
        if schemas is not None:
            self.declare(schemas)

    def declare(self, schemas: Mapping[Table, str]) -> None:
        """Say which columns are written: `Engine.schema_json` of each table. `ConfigError`: the table has others."""
        self._columns = {role: json.loads(schemas[role]) for role in ROLES}
        for role in ROLES:
            table.check_schema(self._storage[role], self._columns[role], fix=False)

    @property
    def table_id(self) -> str:
        """The main table's id, for the acknowledged offset's metadata."""
        return self._identity["main"].table_id

    @property
    def job_id(self) -> str:
        """The job's id, which outlives a change of its name."""
        return self._identity["main"].job_id

    @property
    def first_start(self) -> bool:
        """Whether `put_origins` was never completed: the start policy is still to be applied."""
        return self._storage["main"].read(table.STARTED) is None

    def put_origins(self, origins: Mapping[Partition, int]) -> None:
        """Apply the start policy: an origin for every partition there is, then `first_start` ends."""
        for partition, offset in origins.items():
            self.put_origin(partition, offset)
        table.put_json(self._storage["main"], table.STARTED, {})

    def put_origin(self, partition: Partition, offset: int) -> None:
        """Create the origin if there is none; what `refresh` then reads rules."""
        table.put_origin(self._storage["main"], partition, offset)

    def topics(self) -> dict[str, str]:
        """The topic ids that the main table knows, with the names it knows them by."""
        return table.topics(self._storage["main"])

    def refresh(self, partition: Partition) -> TableState:
        """What the tables say about `partition` now; temporary files of dead writers are removed on the way.

        `PositionError`: the files of a table don't form a chain from the origin; it names them.
        """
        for storage in self._storage.values():
            storage.remove_abandoned(f"{file_name.partition_part(partition)}-")
        main = self._storage["main"]
        origin = table.read_origin(main, partition)
        newest, secondary = (self._newest(role, partition, origin) for role in ROLES)
        other = _other_topic_id(main, partition) if newest is None and origin is None else None
        return TableState(origin, newest, secondary, other, main.location)

    def load_verdicts(self, partition: Partition, within: Range) -> list[int]:
        """Offsets in `within` that the dead-letter table holds, ascending.

        A file may hold offsets from before its range (marked `replayed`), none from after it.
        """
        import pyarrow.parquet as pq  # noqa: PLC0415 - only after a change of plan

        storage = self._storage["dead_letter"]
        names = self._chain("dead_letter", partition).names()
        starts = [found.start for name in names if (found := file_name.parse(name))]
        offsets: set[int] = set()
        # Each ends where the next begins: what is before the last that begins early enough ends too early.
        for name in names[max(0, bisect_right(starts, within.start) - 1) :]:
            with footer.reading(storage, name) as file:
                # Not by `read_table`: its threads may hold the file until after the interpreter ended, and abort then.
                column = pq.ParquetFile(file).read(columns=["kafka_offset"], use_threads=False)["kafka_offset"]
            offsets.update(offset for offset in column.to_pylist() if within.start <= offset < within.end)
        return sorted(offsets)

    def footer(self, role: Table, cut: Cut, span: Range) -> dict[str, str]:
        """Metadata of the file of `cut` in the table of `role`; `span` is its range there."""
        identity = self._identity[role]
        return footer.encode(identity.table_id, self.job_id, role, cut, span)

    def create(self, role: Table, partition: Partition, start: int, commit_id: str) -> DataFile:
        """A new data file that no reader sees. `start` only names it; `put` says where it goes."""
        return DataFile(self._storage[role], file_name.data_file(partition, start), commit_id)

    def put(self, role: Table, file: DataFile, cut: Cut, span: Range) -> Outcome:
        """Publish a finished `file` as the commit that begins at `span.start`, if there is none.

        `Lost` says only that the name was taken, perhaps by an earlier put of this same file. `FileLostError`: the file
        is gone and nothing is visible; it has to be written again. `ConfigError`: another worker fixed other columns.
        """
        try:
            self._fix_schema(role)
            created = file.publish(file_name.data_file(cut.partition, span.start))
        except FileLostError:
            raise
        except OutageError as error:
            return Unknown(str(error))
        return Committed(span.end) if created else Lost()

    def _fix_schema(self, role: Table) -> None:
        if role not in self._fixed:
            table.check_schema(self._storage[role], self._columns[role], fix=True)
            self._fixed.add(role)

    def _newest(self, role: Table, partition: Partition, origin: int | None) -> LastCommit | None:
        found = self._chain(role, partition).newest(origin)
        return None if found is None else LastCommit(found.commit_id, found.range, found.plan)

    def _chain(self, role: Table, partition: Partition) -> Chain:
        with self._lock:
            key = (role, partition)
            if key not in self._chains:
                self._chains[key] = Chain(self._storage[role], self._identity[role].table_id, partition)
            return self._chains[key]


def check_apart(main: str, dead_letter: str) -> None:
    """`ConfigError` if one table's folder is, or lies in, the other's: readers would find both in one."""
    one, other = PurePath(main), PurePath(dead_letter)
    if one.is_relative_to(other) or other.is_relative_to(one):
        raise ConfigError(
            f"sink.path ({main}) and dead_letter.path ({dead_letter}) are the same folder or lie in each other: give "
            "each table a folder of its own."
        )


def _other_topic_id(storage: Storage, partition: Partition) -> str | None:
    """Another id under which commits of a topic of this name are in the table."""
    topic = file_name.topic_part(partition.topic)
    for name in storage.names(f"{topic}-"):
        found = file_name.parse(name)
        if found is not None and found.topic == topic and found.topic_id != partition.topic_id:
            return found.topic_id
    return None
