"""A slow reading of RFC 8259, one character at a time, that keeps what orjson loses: places, repeated keys, numerals.

Its grammar is written down here once more, on purpose, and is not trusted alone: `check_with_orjson` holds every
verdict, and every value read, against orjson, where orjson and the rules mean the same thing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NoReturn

import orjson

DIGITS = "0123456789"
HEXADECIMAL = "0123456789abcdefABCDEF"
SPACE = " \t\n\r"
WORDS = {"t": "true", "f": "false", "n": "null"}


class Fault(Exception):  # noqa: N818 (the core's word)
    """The first thing wrong with a text: a rejection code and the character that can't stand where it stands."""

    def __init__(self, code: str, at: int) -> None:
        super().__init__(code, at)
        self.code = code
        self.at = at


@dataclass(frozen=True, slots=True)
class Value:
    """One value where it stands. Kinds: null bool int (no fraction, no exponent) number string array object."""

    kind: str
    start: int
    text: str
    """As written."""
    members: tuple[tuple[str, Value], ...] = ()
    """Of an object, repeated keys included."""
    elements: tuple[Value, ...] = ()

    @property
    def scalar(self) -> Any:
        """What a string, bool or number stands for, by orjson. Integers beyond 64 bits are floats: use `text`."""
        return orjson.loads(self.text)


def read(text: str, max_depth: int, *, replace: bool) -> tuple[Value, int]:
    r"""The value that is all of `text`, or a `Fault`.

    With `replace`, lone surrogate escapes become `\ufffd` in everything that is returned; how many there were is the
    second result. orjson refuses them, so it never sees one.
    """
    reader = _Reader(text, max_depth, replace=replace)
    try:
        value = reader.document()
    except Fault as fault:
        check_with_orjson(text, fault)
        raise
    for at in reader.lone_surrogates:
        text = text[:at] + r"\ufffd" + text[at + 6 :]
    if reader.lone_surrogates:
        value = _Reader(text, max_depth, replace=False).document()
    check_with_orjson(text, value)
    return value, len(reader.lone_surrogates)


def check_with_orjson(text: str, read_as: Value | Fault) -> None:
    """Assert that orjson gives the same verdict on `text`, and the same value.

    Told apart: `too_deep` is no business of orjson's; it refuses numbers beyond float64, which RFC 8259 allows, so a
    zero stands for each; of repeated keys it keeps the last one, so the objects are made so here; and integers beyond
    64 bits become floats.
    """
    if isinstance(read_as, Fault):
        if read_as.code != "too_deep":
            try:
                orjson.loads(text)
            except orjson.JSONDecodeError:
                return
            raise AssertionError(f"orjson accepts what was refused: {read_as}: {text!r}")
        return
    for value in sorted(_infinite(read_as), key=lambda value: -value.start):
        text = f"{text[: value.start]}0{text[value.start + len(value.text) :]}"
    assert repr(orjson.loads(text)) == repr(_as_orjson(read_as)), text


def _infinite(value: Value) -> list[Value]:
    if value.kind in ("int", "number") and math.isinf(float(value.text)):
        return [value]
    inside = [*value.elements, *(member for _, member in value.members)]
    return [found for member in inside for found in _infinite(member)]


def _as_orjson(value: Value) -> Any:
    match value.kind:
        case "object":
            return {key: _as_orjson(member) for key, member in value.members}
        case "array":
            return [_as_orjson(element) for element in value.elements]
        case "int" | "number":
            return _number_as_orjson(value)
        case "string":
            return value.scalar
        case _:
            return {"null": None, "true": True, "false": False}[value.text]


def _number_as_orjson(value: Value) -> int | float:
    if math.isinf(float(value.text)):
        return 0
    if value.kind == "int" and -(2**63) <= int(value.text) < 2**64:
        return int(value.text)
    return float(value.text)


class _Reader:
    def __init__(self, text: str, max_depth: int, *, replace: bool) -> None:
        self.lone_surrogates: list[int] = []
        self._text = text
        self._max_depth = max_depth
        self._replace = replace
        self._at = 0

    def document(self) -> Value:
        """All of the text."""
        self._space()
        value = self._value(0)
        self._space()
        if self._at < len(self._text):
            self._fail()
        return value

    def _fail(self, code: str = "invalid_json", at: int | None = None) -> NoReturn:
        raise Fault(code, self._at if at is None else at)

    def _next_is(self, characters: str) -> bool:
        return self._at < len(self._text) and self._text[self._at] in characters

    def _pass(self, characters: str) -> str:
        """The next character, which must be one of these."""
        if not self._next_is(characters):
            self._fail()
        self._at += 1
        return self._text[self._at - 1]

    def _pass_if(self, characters: str) -> bool:
        found = self._next_is(characters)
        self._at += found
        return found

    def _space(self) -> None:
        while self._pass_if(SPACE):
            pass

    def _value(self, depth: int) -> Value:
        start = self._at
        members: list[tuple[str, Value]] = []
        elements: list[Value] = []
        if self._next_is("{["):
            if depth >= self._max_depth:
                self._fail("too_deep")
            kind = "object" if self._pass("{[") == "{" else "array"
            self._inside(kind, depth + 1, members, elements)
        elif self._next_is('"'):
            kind = "string"
            self._string()
        elif self._next_is("tfn"):
            kind = "null" if self._next_is("n") else "bool"
            for character in WORDS[self._text[self._at]]:
                self._pass(character)
        else:
            kind = self._number()
        return Value(kind, start, self._text[start : self._at], tuple(members), tuple(elements))

    def _inside(self, kind: str, depth: int, members: list[tuple[str, Value]], elements: list[Value]) -> None:
        closing = "}" if kind == "object" else "]"
        self._space()
        if self._pass_if(closing):
            return
        while True:
            self._space()
            if kind == "object":
                key = self._key()
                members.append((key, self._value(depth)))
            else:
                elements.append(self._value(depth))
            self._space()
            if self._pass("," + closing) == closing:
                return

    def _key(self) -> str:
        start = self._at
        if not self._next_is('"'):
            self._fail()
        self._string()
        text = self._text[start : self._at]
        self._space()
        self._pass(":")
        self._space()
        # A text with lone surrogates is read twice; its keys count the second time.
        return "" if self.lone_surrogates else str(orjson.loads(text))

    def _number(self) -> str:
        self._pass_if("-")
        if not self._pass_if("0"):
            self._digits()
        kind = "int"
        if self._pass_if("."):
            kind = "number"
            self._digits()
        if self._pass_if("eE"):
            kind = "number"
            self._pass_if("+-")
            self._digits()
        return kind

    def _digits(self) -> None:
        self._pass(DIGITS)
        while self._pass_if(DIGITS):
            pass

    def _string(self) -> None:
        self._pass('"')
        while not self._pass_if('"'):
            if self._next_is("\\"):
                self._escape()
            elif self._at == len(self._text) or self._text[self._at] < " ":
                self._fail()
            else:
                self._at += 1

    def _escape(self) -> None:
        start = self._at
        self._pass("\\")
        if self._pass('"\\/bfnrtu') != "u":
            return
        unit = self._code_unit()
        lone = 0xDC00 <= unit <= 0xDFFF
        if 0xD800 <= unit <= 0xDBFF:
            after = self._text[self._at : self._at + 6]
            low = after[2:] if after[:2] == r"\u" else ""
            lone = (
                len(low) < 4 or any(digit not in HEXADECIMAL for digit in low) or not 0xDC00 <= int(low, 16) <= 0xDFFF
            )
            self._at += 0 if lone else 6
        if lone and not self._replace:
            self._fail("lone_surrogate", start)
        if lone:
            self.lone_surrogates.append(start)

    def _code_unit(self) -> int:
        return int("".join(self._pass(HEXADECIMAL) for _ in range(4)), 16)
