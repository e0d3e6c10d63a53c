"""One data file: its footer against its name, its table and its rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from penstock.commit import chain, footer
from penstock.errors import PositionError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from penstock.commit.footer import Footer
    from penstock.verify.table import TableFolder

OFFSET = "kafka_offset"
_PLACE = ("kafka_topic", "kafka_partition")
_REPLAYED = "replayed"


@dataclass(frozen=True, slots=True)
class Inspected:
    """A file that can be read. `offsets` is None where the table hides them."""

    name: str
    footer: Footer
    offsets: Any
    """pyarrow chunked array of int64."""


def inspect(folder: TableFolder, name: str, findings: list[str]) -> Inspected | None:
    """Read and check one file; None, and a finding, if it can't be read. Of its columns only `kafka_*` are read."""
    where = f"{folder.storage.location}/{name}"
    try:
        found = footer.read(folder.storage, name)
    except PositionError as error:
        findings.append(str(error))
        return None
    findings += [f"{where}{problem}" for problem in _footer_problems(folder, found)]
    try:
        chain.check_place(folder.storage, name, found, folder.identity.table_id if folder.identity else found.table_id)
    except PositionError as error:
        findings.append(str(error))
        return None
    try:
        rows = _read(folder, name, where, findings)
    except _DamagedError as error:
        findings.append(f"{where}: its rows can't be read ({error}). Restore it from a copy.")
        return None
    if rows is not None:
        findings += [f"{where}{problem}" for problem in _row_problems(found, rows)]
    return Inspected(name, found, None if rows is None else rows[OFFSET])


class _DamagedError(Exception):
    """Pages that can't be decoded."""


def _read(folder: TableFolder, name: str, where: str, findings: list[str]) -> Any:
    """The columns that say where rows come from, None if there are none. Says if the columns are not the table's."""
    import pyarrow as pa  # noqa: PLC0415 - 100 ms that most commands never need
    import pyarrow.parquet as pq  # noqa: PLC0415

    with folder.storage.open(name) as file:
        try:
            parquet = pq.ParquetFile(file)
            columns = parquet.schema_arrow.names
            if folder.columns is not None and columns != folder.columns:
                strange = sorted(set(columns) ^ set(folder.columns))
                findings.append(
                    f"{where}: its columns are not the table's ({', '.join(strange) or 'another order'}). "
                    "Readers of the folder may fail: restore it from a copy."
                )
            if OFFSET not in columns:
                return None
            wanted = [column for column in (OFFSET, *_PLACE, _REPLAYED) if column in columns]
            # With threads, one of them may hold what it read until after the interpreter ended, and abort the process.
            return parquet.read(columns=wanted, use_threads=False)
        except (pa.ArrowException, OSError, ValueError) as error:
            raise _DamagedError(error) from error


def _footer_problems(folder: TableFolder, found: Footer) -> Iterator[str]:
    if found.role != folder.role:
        yield f" was written as {found.role}, not {folder.role}: move it to its table."
    if folder.identity is not None and found.partition.cluster_id != folder.identity.cluster_id:
        yield (
            f" is of Kafka cluster {found.partition.cluster_id}, the table of {folder.identity.cluster_id}: "
            "move it out of this folder."
        )
    for gap in found.gaps:
        if not found.range.start <= gap.start < gap.end <= found.range.end:
            yield f": its gap {gap.start} to {gap.end} is outside of its range. Report this as a bug."
    counts = found.counts
    if counts is None:
        return
    if counts.rows != found.file_rows:
        yield f": it has {found.file_rows} rows, its footer counts {counts.rows}. Restore it from a copy."
    parts = counts.rows + counts.dead_letters + counts.filtered + counts.tombstones
    if counts.records != parts:
        yield (
            f": its footer counts {counts.records} records, but {parts} rows, dead letters, filtered and tombstones. "
            "Report this as a bug."
        )
    if counts.records > found.range.end - found.range.start:
        yield f": its footer counts {counts.records} records, more than its range has offsets. Report this as a bug."


def _row_problems(found: Footer, rows: Any) -> Iterator[str]:
    import pyarrow as pa  # noqa: PLC0415 - loaded already
    import pyarrow.compute as pc  # noqa: PLC0415

    offsets = rows[OFFSET]
    if offsets.null_count or not pa.types.is_int64(offsets.type):
        yield f": {OFFSET} is null in some rows, or not int64. Restore it from a copy."
        return
    twice = repeated(offsets)
    if twice is not None:
        yield f": offset {twice} is in it twice. Read it without the second row, and report this as a bug."
    outside = pc.greater_equal(offsets, found.range.end)
    below = pc.less(offsets, found.range.start)
    if found.role == "dead_letter" and _REPLAYED in rows.column_names:
        # What an older plan had accepted lies before the chain's end, in the file that was written next.
        below = pc.and_(below, pc.invert(rows[_REPLAYED]))
    strays = offsets.filter(pc.or_(outside, below))
    if len(strays):
        yield (
            f": offset {strays[0].as_py()} is outside of its range, {found.range.start} to {found.range.end - 1} "
            f"({len(strays)} such rows). Restore it from a copy."
        )
    expected = dict(zip(_PLACE, (found.partition.topic, found.partition.number), strict=True))
    for column, value in expected.items():
        if column in rows.column_names:
            strange = [other for other in rows[column].unique().to_pylist() if other != value]
            if strange:
                yield f": {column} is {strange[0]!r} in some rows, not {value!r}. Restore it from a copy."


def repeated(offsets: Any) -> int | None:
    """An offset that is there more than once. Costs one comparison per row where they ascend, as they should."""
    import pyarrow.compute as pc  # noqa: PLC0415 - loaded already

    if len(offsets) < 2 or pc.all(pc.less(offsets.slice(0, len(offsets) - 1), offsets.slice(1))).as_py():  # noqa: PLR2004
        return None
    counted = pc.value_counts(offsets)
    twice = counted.filter(pc.greater(counted.field("counts"), 1))
    return int(twice.field("values")[0].as_py()) if len(twice) else None
