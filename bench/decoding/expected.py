"""What must come out of a corpus, by the standard library's `json`, and what distinguishes a table from it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def expected_table(records: Sequence[bytes], schema: pa.Schema) -> pa.Table:
    """Slow; members of objects are columns of their own."""
    return pa.Table.from_pylist([json.loads(record) for record in records], schema).flatten()


def write_expected(table: pa.Table, path: Path) -> None:
    """For readers in other processes."""
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)


def read_expected(path: Path) -> pa.Table:
    """What `write_expected` wrote, without a copy."""
    return pa.ipc.open_file(pa.memory_map(str(path))).read_all()


def difference(found: pa.Table, expected: pa.Table) -> str | None:
    """What is not as expected, in a line; None: nothing. Order of columns and width of offsets are no matter."""
    if len(found) != len(expected):
        return f"{len(found)} rows, not {len(expected)}"
    if unknown := set(found.schema.names) - set(expected.schema.names):
        return f"column {min(unknown)} should not be there"
    for field in expected.schema:
        if field.name not in found.schema.names:
            return f"column {field.name} is missing"
        try:
            column = found[field.name].cast(field.type).combine_chunks()
        except pa.ArrowException as error:
            return f"column {field.name} is {found[field.name].type}: {error}"
        ours = expected[field.name].combine_chunks()
        if not column.equals(ours):
            return f"column {field.name} differs{_place(column, ours)}"
    return None


def _place(found: pa.Array, expected: pa.Array) -> str:
    if pa.types.is_nested(expected.type):
        return ""
    differ = pc.or_(
        pc.fill_null(pc.not_equal(found, expected), fill_value=False), pc.xor(found.is_null(), expected.is_null())
    )
    return f" in {pc.sum(differ).as_py()} rows, the first is {pc.index(differ, value=True).as_py()}"
