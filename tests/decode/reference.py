"""The decoding rules once more, slow and plain: what one record value must become.

`reading` says what stands in the text, with orjson for the values of scalars. The rules wrap it so:

- bytes: decoded by Python, which takes the same longest invalid sequences for one U+FFFD as the Unicode standard;
- duplicate keys: `Value.members` has them all; here the last one wins, and the others are counted;
- integers beyond 64 bits, decimals, exactness of floats: from the numeral as written, by `int` and `Fraction`;
- what does not fit, and undeclared keys: kept as written, by path.

A type is added as one function in `TYPES`.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import math
import re
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from tests.decode.reading import Fault, Value, read

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

UNITS = {"s": 0, "ms": 3, "us": 6, "ns": 9}
FIRST_SECOND = -62_135_596_800
LAST_SECOND = 253_402_300_799
INT64 = range(-(2**63), 2**63)
LARGEST_EXPONENT = 10_000
"""No document of a test has so many digits that they could make up for more."""

_TYPE = re.compile(r"(?P<name>\w+)(?:[\[(](?P<parameters>.*)[\])])?")
_DATE = re.compile(r"(\d{4})-(\d{2})-(\d{2})", re.ASCII)
_TIMESTAMP = re.compile(
    r"(?P<date>\d{4}-\d{2}-\d{2})[Tt ](?P<hour>\d{2}):(?P<minute>\d{2}):(?P<second>\d{2})(?:\.(?P<fraction>\d+))?"
    r"(?:[Zz]|(?P<sign>[+-])(?P<offset_hour>\d{2}):(?P<offset_minute>\d{2}))",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Column:
    """One declared column."""

    name: str
    path: tuple[str, ...]
    type: str
    required: bool = False


@dataclass(frozen=True, slots=True)
class Rules:
    """`[decode]`, without what is not about one record."""

    invalid_text: str = "reject"
    max_depth: int = 128
    max_bytes: int = 16 << 20
    residue: bool = True


@dataclass(frozen=True, slots=True)
class Row:
    """A record that is a row: columns by name, residue by path as written, counts of drift."""

    values: dict[str, Any]
    residue: dict[str, str]
    drift: Counter[str]


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record that is not a row."""

    code: str
    byte_position: int


class Misfit(Exception):  # noqa: N818 (drift is no error)
    """A value does not fit its column. `reason` is `type_mismatch` or `out_of_range`."""

    def __init__(self, reason: str = "type_mismatch") -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(slots=True)
class _Node:
    """One key on the way to a column, or the record itself."""

    path: str = ""
    column: Column | None = None
    children: dict[str, _Node] = field(default_factory=dict)
    kept_as_json: bool = False


class Reference:
    """A decoder of one value at a time."""

    def __init__(self, columns: Sequence[Column], rules: Rules) -> None:
        self._columns = columns
        self._rules = rules
        self._root = _Node()
        for column in columns:
            node = self._root
            for key in column.path:
                node = node.children.setdefault(key, _Node(extended(node.path, key)))
            node.column = column
        _mark_json(self._root)

    def decode(self, value: bytes) -> Row | Rejected:
        """What `value` must become."""
        if not value:
            return Rejected("empty_value", 0)
        if len(value) > self._rules.max_bytes:
            return Rejected("too_large", self._rules.max_bytes)
        text, places, invalid = _characters(value)
        try:
            return self._row(text, invalid)
        except Fault as fault:
            return Rejected(fault.code, places[fault.at])

    def _row(self, text: str, invalid: list[int]) -> Row:
        """The row of a text in which the characters at `invalid` stand for bytes that are none."""
        rules = self._rules
        if invalid and rules.invalid_text == "reject":
            raise Fault("invalid_utf8", invalid[0])
        record, lone_surrogates = read(text, rules.max_depth, replace=rules.invalid_text == "replace")
        if record.kind != "object":
            raise Fault("not_an_object", record.start)
        found = _Found()
        found.drift["replaced_text"] = len(invalid) + lone_surrogates
        found.enter(self._root, record)
        missing = self._missing(record, found)
        if missing is not None:
            raise Fault("missing_required", missing)
        beyond = found.residue_beyond(rules.max_bytes) if rules.residue else None
        if beyond is not None:
            raise Fault("too_large", beyond)
        residue = {path: kept.text for path, kept in found.leftovers} if rules.residue else {}
        return Row({column.name: found.values.get(column.name) for column in self._columns}, residue, found.drift)

    def _missing(self, record: Value, found: _Found) -> int | None:
        """Where a required value is missed: at the innermost object that could have it, or where it does not fit."""
        for column in self._columns:
            if column.required and column.name not in found.values:
                node, start = self._root, record.start
                for key in column.path:
                    node = node.children[key]
                    if node.path not in found.starts:
                        break
                    start = found.starts[node.path]
                return start
        return None


@dataclass(slots=True)
class _Found:
    """What one record holds."""

    values: dict[str, Any] = field(default_factory=dict)
    starts: dict[str, int] = field(default_factory=dict)
    leftovers: list[tuple[str, Value]] = field(default_factory=list)
    drift: Counter[str] = field(default_factory=Counter)

    def enter(self, node: _Node, found: Value) -> None:
        """Take an object's members apart. Inside a value kept as JSON, only declared keys are looked at."""
        keys = [key for key, _ in found.members if key in node.children or not node.kept_as_json]
        self.drift["duplicate_key"] += len(keys) - len(set(keys))
        for key, value in dict(found.members).items():
            child = node.children.get(key)
            if child is not None:
                self._place(child, value)
            elif not node.kept_as_json:
                self.drift["unknown_key"] += 1
                self.leftovers.append((extended(node.path, key), value))

    def _place(self, node: _Node, value: Value) -> None:
        self.starts[node.path] = value.start
        if value.kind != "null":
            try:
                self._hold(node, value)
            except Misfit as misfit:
                self.drift[misfit.reason] += 1
                self.leftovers.append((node.path, value))
        if value.kind == "object" and node.children:
            self.enter(node, value)

    def _hold(self, node: _Node, value: Value) -> None:
        if node.column is not None:
            self.values[node.column.name] = fit(node.column.type, value)
        elif value.kind != "object" and not node.kept_as_json:
            raise Misfit

    def residue_beyond(self, max_bytes: int) -> int | None:
        """The value with which the residue's text reaches `max_bytes`, its closing brace not counted."""
        size = 0
        for path, value in sorted(self.leftovers, key=lambda leftover: leftover[1].start):
            size += len(f'{{"{_escaped(path)}":{value.text}'.encode())
            if size >= max_bytes:
                return value.start
        return None


def _characters(value: bytes) -> tuple[str, list[int], list[int]]:
    """The text, at which byte each character and the end stands, and which characters stand for invalid bytes."""
    text, places, invalid = "", [0], list[int]()
    while (at := places[-1]) < len(value):
        try:
            valid, skipped = value[at:].decode(), 0
        except UnicodeDecodeError as error:
            valid, skipped = value[at : at + error.start].decode(), error.end - error.start
        for character in valid:
            places.append(places[-1] + len(character.encode()))
        if skipped:
            invalid.append(len(places) - 1)
            places.append(places[-1] + skipped)
        text += valid + ("\ufffd" if skipped else "")
    return text, places, invalid


def extended(path: str, key: str) -> str:
    """`path` one key further, as the residue writes it."""
    plain = key and not set('."') & set(key)
    written = key if plain else '"' + key.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return f"{path}.{written}" if path else written


def fit(type_: str, value: Value) -> Any:
    """What a column of this type holds for a value other than null. Raises `Misfit`."""
    match = _TYPE.fullmatch(type_)
    assert match is not None, type_
    parameters = [part.strip() for part in (match["parameters"] or "").split(",")]
    return TYPES[match["name"]](value, *parameters)


def _bool(value: Value, _: str) -> bool:
    _only(value, "bool")
    return value.text == "true"


def _int64(value: Value, _: str) -> int:
    _only(value, "int")
    number = int(value.text)
    if number not in INT64:
        raise Misfit("out_of_range")
    assert value.scalar == number
    return number


def _float64(value: Value, _: str) -> float:
    _only(value, "int", "number")
    number = float(value.text)
    if math.isinf(number) or (value.kind == "int" and int(number) != int(value.text)):
        raise Misfit("out_of_range")
    assert value.scalar == number
    return number


def _string(value: Value, _: str) -> str:
    _only(value, "string")
    return str(value.scalar)


def _json(value: Value, _: str) -> str:
    return value.text


def _decimal(value: Value, precision: str, scale: str) -> Decimal:
    _only(value, "int", "number")
    mantissa, _, exponent = value.text.lower().partition("e")
    if not Fraction(mantissa):
        return Decimal(0)
    if abs(int(exponent or "0")) > LARGEST_EXPONENT:
        raise Misfit("out_of_range")
    unscaled = Fraction(value.text) * 10 ** int(scale)
    if unscaled.denominator != 1 or abs(unscaled) >= 10 ** int(precision):
        raise Misfit("out_of_range")
    digits = tuple(map(int, str(abs(unscaled.numerator))))
    return Decimal((int(unscaled < 0), digits, -int(scale)))


def _date(value: Value, _: str) -> dt.date:
    _only(value, "string")
    return _calendar_date(value.scalar)


def _timestamp(value: Value, unit: str, _: str) -> int:
    _only(value, "string", "int")
    digits = UNITS[unit]
    if value.kind == "int":
        units = int(value.text)
        seconds = units // 10**digits
    else:
        match = _TIMESTAMP.fullmatch(value.scalar)
        if match is None:
            raise Misfit
        days = _calendar_date(match["date"]).toordinal() - dt.date(1970, 1, 1).toordinal()
        hour, minute, second = int(match["hour"]), int(match["minute"]), int(match["second"])
        offset_hour, offset_minute = int(match["offset_hour"] or 0), int(match["offset_minute"] or 0)
        if hour > 23 or minute > 59 or second > 59 or offset_hour > 23 or offset_minute > 59:
            raise Misfit
        offset = (offset_hour * 60 + offset_minute) * 60 * (-1 if match["sign"] == "-" else 1)
        seconds = days * 86_400 + (hour * 60 + minute) * 60 + second - offset
        fraction = Fraction(f"0.{match['fraction'] or 0}") * 10**digits
        if fraction.denominator != 1:
            raise Misfit("out_of_range")
        units = seconds * 10**digits + fraction.numerator
    if not FIRST_SECOND <= seconds <= LAST_SECOND or units not in INT64:
        raise Misfit("out_of_range")
    return units


def _binary(value: Value, encoding: str) -> bytes:
    _only(value, "string")
    text = value.scalar
    if encoding == "hex":
        if not re.fullmatch(r"(?:[0-9a-fA-F]{2})*", text):
            raise Misfit
        return bytes.fromhex(text)
    try:
        found = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Misfit from None
    if base64.b64encode(found).decode() != text:
        raise Misfit
    return found


TYPES: dict[str, Callable[..., Any]] = {
    "bool": _bool,
    "int64": _int64,
    "float64": _float64,
    "string": _string,
    "json": _json,
    "date": _date,
    "decimal": _decimal,
    "timestamp": _timestamp,
    "binary": _binary,
}


def _only(value: Value, *kinds: str) -> None:
    if value.kind not in kinds:
        raise Misfit


def _calendar_date(text: str) -> dt.date:
    match = _DATE.fullmatch(text)
    if match is None:
        raise Misfit
    try:
        return dt.date(*map(int, match.groups()))
    except ValueError:
        raise Misfit from None


def _mark_json(node: _Node) -> None:
    """Whatever a `json` column keeps whole has nothing undeclared inside."""
    node.kept_as_json |= node.column is not None and node.column.type == "json"
    for child in node.children.values():
        child.kept_as_json = node.kept_as_json
        _mark_json(child)


def _escaped(path: str) -> str:
    return "".join(f"\\u{ord(c):04x}" if c < " " else f"\\{c}" if c in '"\\' else c for c in path)
