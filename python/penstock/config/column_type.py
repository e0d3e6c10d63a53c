"""The types a column can have, and how they are written."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated

from pydantic import PlainSerializer, PlainValidator

from penstock.config.show import did_you_mean, show

PLAIN = ("bool", "int64", "float64", "string", "json", "date")
NESTED = ("list", "struct", "map")
UNITS = ("s", "ms", "us", "ns")
ENCODINGS = ("base64", "hex")
MAX_PRECISION = 38
FORMS = "bool int64 float64 string json date decimal(p, s) timestamp[us, UTC] binary[base64]"
ELSEWHERE = {
    "boolean": "bool",
    "int": "int64",
    "integer": "int64",
    "int32": "int64",
    "long": "int64",
    "float": "float64",
    "double": "float64",
    "number": "float64",
    "str": "string",
    "text": "string",
    "utf8": "string",
    "varchar": "string",
    "object": "json",
    "timestamp": "timestamp[us, UTC]",
    "datetime": "timestamp[us, UTC]",
    "binary": "binary[base64]",
    "bytes": "binary[base64]",
    "decimal": "decimal(18, 6)",
}

_PARAMETERS = re.compile(r"(?P<kind>decimal|timestamp|binary)\s*(?:\((?P<round>[^()]*)\)|\[(?P<square>[^\[\]]*)\])")


@dataclass(frozen=True, slots=True)
class ColumnType:
    """One type of the closed set; `str()` gives the one spelling the core reads."""

    kind: str
    parameters: tuple[str, ...] = ()

    def __str__(self) -> str:
        """`decimal(10, 2)`, `timestamp[us, UTC]`, `binary[hex]`, or the bare kind."""
        if not self.parameters:
            return self.kind
        opening, closing = "()" if self.kind == "decimal" else "[]"
        return f"{self.kind}{opening}{', '.join(self.parameters)}{closing}"


def parse_column_type(value: object) -> ColumnType:
    """Read a type. Raises `ValueError` with what to write instead."""
    if isinstance(value, ColumnType):
        return value
    if not isinstance(value, str):
        raise ValueError(f"{show(value)} is not a column type; write one of {FORMS}")  # noqa: TRY004
    text = value.strip()
    if text in PLAIN:
        return ColumnType(text)
    if text.partition("<")[0].strip() in NESTED:
        raise ValueError(f'{show(value)} is not available yet in this version; "json" keeps the value\'s text')
    if match := _PARAMETERS.fullmatch(text):
        kind = match["kind"]
        inner = match["round"] if kind == "decimal" else match["square"]
        parameters = tuple(part.strip() for part in (inner or "").split(","))
        if problem := _mistake(kind, parameters):
            raise ValueError(f"{show(value)}: {problem}")
        return ColumnType(kind, tuple(str(int(p)) for p in parameters) if kind == "decimal" else parameters)
    if instead := ELSEWHERE.get(text.lower()):
        raise ValueError(f'{show(value)} is not a column type; did you mean "{instead}"?')
    raise ValueError(f"{show(value)} is not a column type{did_you_mean(value, PLAIN) or ';'} Types: {FORMS}")


def _mistake(kind: str, parameters: tuple[str, ...]) -> str | None:
    """What is wrong with the parameters of `kind`, if anything."""
    match kind, parameters:
        case "timestamp", (unit, "UTC") if unit in UNITS:
            return None
        case "timestamp", _:
            return 'a timestamp has a unit of s, ms, us or ns and the zone UTC; write it like "timestamp[us, UTC]"'
        case "binary", (encoding,) if encoding in ENCODINGS:
            return None
        case "binary", _:
            return 'binary is read from text as base64 or hex; write it like "binary[base64]"'
    form = f'write it like "decimal(18, 6)", with 1 <= p <= {MAX_PRECISION} and 0 <= s <= p'
    if len(parameters) != 2 or not all(p.isascii() and p.isdecimal() for p in parameters):  # noqa: PLR2004
        return f"a decimal has a precision and a scale; {form}"
    precision, scale = map(int, parameters)
    return None if 1 <= precision <= MAX_PRECISION and scale <= precision else f"out of range; {form}"


ColumnTypeField = Annotated[ColumnType, PlainValidator(parse_column_type), PlainSerializer(str)]
