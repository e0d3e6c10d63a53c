"""The types a column can have, and how they are written."""

from __future__ import annotations

import json
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
MOST_NESTED = 16
FORMS = (
    "bool int64 float64 string json date decimal(p, s) timestamp[us, UTC] binary[base64] "
    "list<T> struct<a: T, b: U> map<string, T>"
)
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
    "list": "list<string>",
    "array": "list<string>",
    "struct": "struct<a: int64, b: string>",
    "map": "map<string, string>",
    "dict": "map<string, string>",
}
NESTED_ELSEWHERE = {
    "array": "list",
    "set": "list",
    "row": "struct",
    "record": "struct",
    "object": "struct",
    "dict": "map",
}

_PARAMETERS = re.compile(r"(?P<kind>decimal|timestamp|binary)\s*(?:\((?P<round>[^()]*)\)|\[(?P<square>[^\[\]]*)\])")
_SCALAR = re.compile(r"(?:[^<>,:\[(]|\[[^\]]*\]|\([^)]*\))*")
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_.$@/-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class ColumnType:
    """One type of the closed set; `str()` gives the one spelling the core reads."""

    kind: str
    parameters: tuple[str, ...] = ()
    inner: tuple[ColumnType, ...] = ()
    """Of a list its items' type, of a map its values', of a struct one per field."""
    names: tuple[str, ...] = ()
    """A struct's fields."""

    def __str__(self) -> str:
        """`decimal(10, 2)`, `timestamp[us, UTC]`, `list<struct<a: int64>>`, or the bare kind."""
        match self.kind:
            case "list":
                return f"list<{self.inner[0]}>"
            case "map":
                return f"map<string, {self.inner[0]}>"
            case "struct":
                fields = (f"{_field(name)}: {kind}" for name, kind in zip(self.names, self.inner, strict=True))
                return f"struct<{', '.join(fields)}>"
        if not self.parameters:
            return self.kind
        opening, closing = "()" if self.kind == "decimal" else "[]"
        return f"{self.kind}{opening}{', '.join(self.parameters)}{closing}"


def _field(name: str) -> str:
    return name if _PLAIN_NAME.fullmatch(name) else json.dumps(name, ensure_ascii=False)


def parse_column_type(value: object) -> ColumnType:
    """Read a type. Raises `ValueError` with what to write instead, and with the part that is wrong."""
    if isinstance(value, ColumnType):
        return value
    if not isinstance(value, str):
        raise ValueError(f"{show(value)} is not a column type; write one of {FORMS}")  # noqa: TRY004
    if "<" not in value:
        return _scalar(value)
    try:
        return _Reader(value).whole()
    except ValueError as error:
        raise ValueError(f"in {show(value)}: {error}") from None


def _scalar(value: str) -> ColumnType:
    text = value.strip()
    if text in PLAIN:
        return ColumnType(text)
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


class _Reader:
    """Takes the words of a nested type from the front."""

    def __init__(self, text: str) -> None:
        self._rest = text

    def whole(self) -> ColumnType:
        """The type, and nothing after it."""
        found = self._type(0)
        if self._rest.strip():
            raise ValueError(f"{show(self._rest.strip())} follows the type; a closing > is too many, or text too much")
        return found

    def _type(self, depth: int) -> ColumnType:
        self._rest = self._rest.lstrip()
        match = _SCALAR.match(self._rest)
        word = match[0].strip() if match else ""
        self._rest = self._rest[match.end() if match else 0 :]
        if not self._take("<"):
            return _scalar(word)
        if depth == MOST_NESTED:
            raise ValueError(f"more than {MOST_NESTED} lists, structs and maps in each other; write json inside")
        if word not in NESTED:
            close = NESTED_ELSEWHERE.get(word.lower())
            hint = f'; did you mean "{close}<"?' if close else did_you_mean(word, NESTED, '"{}<"') or ";"
            raise ValueError(f"{show(word)} is not a nested type{hint} Nested types: list struct map")
        if word == "struct":
            found = self._struct(depth + 1)
        elif word == "map":
            self._key()
            found = ColumnType("map", inner=(self._type(depth + 1),))
        else:
            found = ColumnType("list", inner=(self._type(depth + 1),))
        if not self._take(">"):
            raise ValueError(f"{word}<...> is not closed; write a > {self._where()}")
        return found

    def _struct(self, depth: int) -> ColumnType:
        fields: dict[str, ColumnType] = {}
        while not fields or self._take(","):
            name = self._name()
            if not self._take(":"):
                raise ValueError(f'field {show(name)} has no type; write it like "struct<{_field(name)}: string>"')
            if name in fields:
                raise ValueError(f"field {show(name)} is there twice; keep one of them")
            fields[name] = self._type(depth)
        return ColumnType("struct", inner=tuple(fields.values()), names=tuple(fields))

    def _name(self) -> str:
        self._rest = self._rest.lstrip()
        if self._rest.startswith('"'):
            try:
                name, end = json.JSONDecoder().raw_decode(self._rest)
                name.encode()
            except ValueError:  # UnicodeEncodeError is one
                raise ValueError(f"the quoted field name {self._where()} is not a JSON string") from None
        else:
            match = _PLAIN_NAME.match(self._rest)
            name, end = (match[0], match.end()) if match else ("", 0)
        if not name:
            raise ValueError(
                f'a field\'s name is missing {self._where()}; write struct<a: int64, "any text": string>, with '
                "at least one field"
            )
        self._rest = self._rest[end:]
        return str(name)

    def _key(self) -> None:
        match = _SCALAR.match(self._rest)
        key = match[0].strip() if match else ""
        self._rest = self._rest[match.end() if match else 0 :]
        if key != "string" or not self._take(","):
            raise ValueError('a map has keys of type string and values of one type; write it like "map<string, int64>"')

    def _take(self, mark: str) -> bool:
        rest = self._rest.lstrip()
        found = rest.startswith(mark)
        self._rest = rest[len(mark) :] if found else rest
        return found

    def _where(self) -> str:
        return f"before {show(self._rest)}" if self._rest.strip() else "at the end"


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
