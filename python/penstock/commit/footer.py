"""What a data file's Parquet footer says of its commit: key-value metadata with the prefix `penstock.`.

A file of the main table carries its cut's counts and gaps. A dead-letter file does not: its range is a link of its own
chain, and its rows are all there is to count.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, get_args

from penstock.batch import Counts, Gap, Partition, Range
from penstock.commit.effects import Table
from penstock.errors import PositionError
from penstock.sink.storage import storage_error

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import BinaryIO

    from penstock.batch import Cut
    from penstock.sink.storage import Storage

VERSION = 1
_PREFIX = "penstock."
_COUNTS = ("records", "rows", "dead_letters", "filtered", "tombstones")


@dataclass(frozen=True, slots=True)
class Footer:
    """One commit. `counts` is None in a dead-letter file; `file_rows` is what the file itself holds."""

    table_id: str
    job_id: str
    role: Table
    commit_id: str
    plan: str
    partition: Partition
    range: Range
    counts: Counts | None
    gaps: tuple[Gap, ...]
    file_rows: int


def encode(table_id: str, job_id: str, role: Table, cut: Cut, span: Range) -> dict[str, str]:
    """The metadata of the file of `cut` in the table with `role`."""
    values: dict[str, object] = {
        "version": VERSION,
        "table": table_id,
        "job": job_id,
        "role": role,
        "commit_id": cut.commit_id,
        "plan": cut.plan,
        "cluster_id": cut.partition.cluster_id,
        "topic": cut.partition.topic,
        "topic_id": cut.partition.topic_id,
        "partition": cut.partition.number,
        "start": span.start,
        "end": span.end,
    }
    if role == "main":
        values |= {name: getattr(cut.counts, name) for name in _COUNTS}
        values["gaps"] = json.dumps([[gap.start, gap.end] for gap in cut.gaps], separators=(",", ":"))
    return {_PREFIX + name: str(value) for name, value in values.items()}


def decode(metadata: Mapping[bytes, bytes], file_rows: int) -> Footer:
    """Raises `ValueError` saying what is missing or wrong."""
    values = {key.decode(): value.decode() for key, value in metadata.items() if key.startswith(_PREFIX.encode())}

    def text(name: str) -> str:
        if _PREFIX + name not in values:
            raise ValueError(f"its footer has no {_PREFIX}{name}")
        return values[_PREFIX + name]

    def number(name: str) -> int:
        if not text(name).isdecimal():
            raise ValueError(f"{_PREFIX}{name} in its footer is not a number")
        return int(text(name))

    if number("version") != VERSION:
        raise ValueError(f"it has format version {number('version')}, this Penstock reads {VERSION}")
    roles = {str(known): known for known in get_args(Table)}
    role: Table | None = roles.get(text("role"))
    if role is None:
        raise ValueError(f"{_PREFIX}role in its footer is unknown")
    span = Range(number("start"), number("end"))
    if span.end <= span.start:
        raise ValueError(f"its footer says that it ends at offset {span.end}, before it starts")
    return Footer(
        table_id=text("table"),
        job_id=text("job"),
        role=role,
        commit_id=text("commit_id"),
        plan=text("plan"),
        partition=Partition(text("cluster_id"), text("topic"), text("topic_id"), number("partition")),
        range=span,
        counts=Counts(*map(number, _COUNTS)) if role == "main" else None,
        gaps=_gaps(text("gaps")) if role == "main" else (),
        file_rows=file_rows,
    )


def _gaps(text: str) -> tuple[Gap, ...]:
    try:
        return tuple(Gap(int(start), int(end)) for start, end in json.loads(text))
    except (ValueError, TypeError) as error:
        raise ValueError(f"{_PREFIX}gaps in its footer is not a list of ranges") from error


@contextmanager
def reading(storage: Storage, name: str) -> Iterator[BinaryIO]:
    """A committed file, open for pyarrow. What can't be understood becomes a `PositionError` that names the file."""
    import pyarrow as pa  # noqa: PLC0415 - 100 ms that most commands never need

    with storage.open(name) as file:
        try:
            yield file
        except (pa.ArrowException, ValueError, OSError) as error:
            if isinstance(error, OSError) and error.errno:
                raise storage_error(f"{storage.location}/{name}", error) from error
            what = error if type(error) is ValueError else f"it is not a whole Parquet file ({error})"
            raise PositionError(
                f"{storage.location}/{name}: {what}. It is not as Penstock wrote it: restore it from a copy."
            ) from error


def read(storage: Storage, name: str) -> Footer:
    """The footer of a committed file; only the end of the file is read."""
    import pyarrow.parquet as pq  # noqa: PLC0415 - 100 ms that most commands never need

    with reading(storage, name) as file:
        found = pq.read_metadata(file)
        return decode(found.metadata or {}, found.num_rows)
