"""Lists, structs and maps decoded the slow way: a JSON value as a tree, a type, and what must become of it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from penstock.config import ColumnType

INT64 = range(-(2**63), 2**63)


class Number(str):
    """A number as written."""

    __slots__ = ()


class Object(NamedTuple):
    """An object's members as written, repeated keys included."""

    members: tuple[tuple[str, Any], ...]

    def last(self) -> dict[str, Any]:
        """The members that count, in the order in which they stand."""
        positions = {key: index for index, (key, _) in enumerate(self.members)}
        return {key: value for index, (key, value) in enumerate(self.members) if positions[key] == index}


def write(value: Any) -> str:
    """The value's one text."""
    match value:
        case Number():
            return str(value)
        case Object():
            return "{" + ",".join(f"{write(key)}:{write(inner)}" for key, inner in value.members) + "}"
        case list():
            return "[" + ",".join(map(write, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


class MisfitError(Exception):
    """The value does not fit; the reason as drift counts it."""


@dataclass
class Kept:
    """What a value leaves beside its column."""

    counts: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(("duplicate_key", "unknown_key", "coerced"), 0)
    )
    residue: dict[str, str] = field(default_factory=dict)


def decode(column: str, kind: ColumnType, value: Any, *, coerce: bool) -> tuple[Any, Kept]:
    """The column's value as pyarrow shows it, and what is kept beside it."""
    kept = Kept()
    try:
        return _fit(kind, value, [column], kept, coerce=coerce), kept
    except MisfitError as misfit:
        whole = Kept(residue={column: write(value)})
        whole.counts[str(misfit)] = 1
        return None, whole


def _fit(kind: ColumnType, value: Any, path: list[str] | None, kept: Kept, *, coerce: bool) -> Any:
    """`path` is None inside a list or map."""
    if value is None:
        return None
    match kind.kind, value:
        case "list", list():
            before = kept.counts["unknown_key"]
            found: Any = [_fit(kind.inner[0], item, None, kept, coerce=coerce) for item in value]
        case "map", Object():
            before = kept.counts["unknown_key"]
            last = value.last()
            kept.counts["duplicate_key"] += len(value.members) - len(last)
            found = [(key, _fit(kind.inner[0], inner, None, kept, coerce=coerce)) for key, inner in last.items()]
        case "struct", Object():
            return _fit_struct(kind, value, path, kept, coerce=coerce)
        case (("list" | "map" | "struct"), _):
            raise MisfitError("type_mismatch")
        case _:
            return _scalar(kind, value, kept, coerce=coerce)
    if path is not None and kept.counts["unknown_key"] > before:
        kept.residue[_path(path)] = write(value)
    return found


def _fit_struct(kind: ColumnType, value: Object, path: list[str] | None, kept: Kept, *, coerce: bool) -> Any:
    last = value.last()
    kept.counts["duplicate_key"] += len(value.members) - len(last)
    found = {
        name: _fit(inner, last.get(name), None if path is None else [*path, name], kept, coerce=coerce)
        for name, inner in zip(kind.names, kind.inner, strict=True)
    }
    for key, inner in last.items():
        if key not in kind.names:
            kept.counts["unknown_key"] += 1
            if path is not None:
                kept.residue[_path([*path, key])] = write(inner)
    return found


def _scalar(kind: ColumnType, value: Any, kept: Kept, *, coerce: bool) -> Any:
    if kind.kind == "json":
        return write(value)
    try:
        return _exact(kind, value)
    except MisfitError as misfit:
        if not coerce or str(misfit) != "type_mismatch":
            raise
    found = _coerced(kind, value)
    kept.counts["coerced"] += 1
    return found


def _exact(kind: ColumnType, value: Any) -> Any:
    if isinstance(value, bool) and kind.kind == "bool":
        return value
    if isinstance(value, Number):
        whole = re.fullmatch(r"-?\d+", value)
        if kind.kind in ("float64", "decimal") or (whole and kind.kind in ("int64", "timestamp")):
            return _number(kind, value)
    elif isinstance(value, str) and kind.kind in READERS:
        form, read = READERS[kind.kind]
        if re.fullmatch(form, value, re.ASCII | re.DOTALL):
            return _read(read, value)
    raise MisfitError("type_mismatch")


READERS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "string": (".*", str),
    "date": (r"\d{4}-\d\d-\d\d", date.fromisoformat),
    "timestamp": (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z", datetime.fromisoformat),
    "binary": ("([0-9a-fA-F]{2})*", bytes.fromhex),
}


def _read(parse: Callable[[str], Any], text: str) -> Any:
    try:
        return parse(text)
    except ValueError:
        raise MisfitError("type_mismatch") from None


def _coerced(kind: ColumnType, value: Any) -> Any:
    match kind.kind, value:
        case "string", bool() | Number():
            return write(value)
        case "bool", "true" | "false":
            return value == "true"
        case (("int64" | "float64" | "decimal" | "timestamp"), str()) if re.fullmatch(
            r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?", value, re.ASCII
        ):
            return _number(kind, Number(value))
    raise MisfitError("type_mismatch")


def _number(kind: ColumnType, literal: Number) -> Any:
    """Exactly, or out of range."""
    exact = Decimal(literal)
    match kind.kind:
        case "float64":
            found = float(literal)
            if re.fullmatch(r"-?\d+", literal) and Decimal(found) != exact:
                raise MisfitError("out_of_range")
            return found
        case "decimal":
            precision, scale = map(int, kind.parameters)
            if exact != round(exact, scale) or abs(exact) >= 10 ** (precision - scale):
                raise MisfitError("out_of_range")
            return round(exact, scale)
    if exact != int(exact) or int(exact) not in INT64:
        raise MisfitError("out_of_range")
    if kind.kind == "int64":
        return int(exact)
    try:
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(exact))
    except OverflowError:
        raise MisfitError("out_of_range") from None


def _path(keys: Iterable[str]) -> str:
    def text(key: str) -> str:
        if key and "." not in key and '"' not in key:
            return key
        return '"' + key.replace("\\", "\\\\").replace('"', '\\"') + '"'

    return ".".join(map(text, keys))
