"""The records of `vectors/*.toml`."""

from __future__ import annotations

import datetime as dt
import re
import tomllib
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.decode.reference import Column, Rules

FOLDER = Path(__file__).parent / "vectors"
MAX_DEPTH = 8
MAX_BYTES = 120

_BYTES = re.compile(rb"<((?:[0-9A-F]{2} ?)+)(?:\*(\d+))?>")


@dataclass(frozen=True, slots=True)
class Vector:
    """One record, and what the file says of it."""

    name: str
    value: bytes
    rules: Rules
    says: dict[str, Any]


def load(name: str) -> tuple[list[Column], list[Vector]]:
    """The columns and the records of a file."""
    file = tomllib.loads((FOLDER / name).read_text(encoding="utf-8"))
    columns = [
        Column(name, tuple(column.get("path", [name])), column["type"], column.get("required", False))
        for name, column in file.pop("columns").items()
    ]
    return columns, [
        Vector(
            f"{group}: {record.pop('name')}",
            _BYTES.sub(_written_out, record.pop("value").encode()),
            Rules(max_depth=MAX_DEPTH, max_bytes=MAX_BYTES, **content.get("decode", {})),
            record,
        )
        for group, content in file.items()
        for record in content["records"]
    ]


def typed(columns: list[Column], row: dict[str, Any]) -> dict[str, Any]:
    """A row of TOML as the columns' Python values."""
    unknown = row.keys() - {column.name for column in columns}
    assert not unknown, unknown
    return {column.name: _typed(column.type, row.get(column.name)) for column in columns}


def _typed(type_: str, value: Any) -> Any:
    if value is None:
        return None
    match re.split(r"\W", type_)[0]:
        case "decimal":
            return Decimal(value)
        case "binary":
            return bytes.fromhex(value)
        case "date":
            assert isinstance(value, dt.date)
            return value
        case _:
            return value


def _written_out(match: re.Match[bytes]) -> bytes:
    return bytes.fromhex(match[1].decode()) * int(match[2] or 1)
