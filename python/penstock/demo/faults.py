"""What goes wrong in real streams: records that are not events, and events whose fields changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from penstock.demo.shapes import FIELDS

if TYPE_CHECKING:
    import random

    from penstock.demo.shapes import Shape

_LATENCY: Final = FIELDS.index("latency_ms")
_EVENT_ID: Final = FIELDS.index("event_id")

_MALFORMED: Final = {
    "truncated": (20, "invalid_json"),
    "empty": (10, "empty_value"),
    "other_value": (10, "not_an_object"),
    "bad_bytes": (20, "invalid_utf8"),
    "bad_escape": (10, "lone_surrogate"),
    "trailing": (10, "invalid_json"),
    "python_repr": (10, "invalid_json"),
    "bad_number": (10, "invalid_json"),
}
"""Ways to be malformed: how often, relative to the others, and the rejection code it must get."""

_NOT_OBJECTS: Final = (b"null", b"42", b"true", b'"restarted"', b'[{"event":"llm_call"}]', b"[]")
_BAD_UTF8: Final = (b"\xff", b"caf\xe9 ", b"\xc3\x28", b"\xed\xa0\x80", b"\xc0\xaf")
"""Never in UTF-8; Latin-1; a cut sequence; a surrogate; an overlong form."""
_LONE_SURROGATES: Final = (b"\\ud83d", b"\\uDC00", b"\\udbff\\u0041")
_TRAILING: Final = (b"}", b",", b" # retry", b'{"event":"llm_call"}')
_BAD_NUMBERS: Final = (b"NaN", b"Infinity", b"0812", b"1.", b"None")

_LATENCY_ELSEWHERE: Final = (b'"1812.4"', b'{"p50":812.5,"p99":3120.0}', b'"n/a"', b"true", b"[812.5]")
_UNKNOWN_KEYS: Final = (b'"experiment":"b7"', b'"trace":{"sampled":true,"flags":1}', b'"retries":2', b'"region":"eu"')

_LONGEST_ESCAPE: Final = 12  # a surrogate pair


def malformed_value(shape: Shape, fields: tuple[bytes, ...], rng: random.Random) -> tuple[bytes, str]:
    """A record that no reader may accept, and its rejection code."""
    fault = rng.choices(tuple(_MALFORMED), [weight for weight, _ in _MALFORMED.values()])[0]
    value = shape.render(fields)
    match fault:
        case "truncated":
            value = _truncated(value, rng)
        case "empty":
            value = b""
        case "other_value":
            value = rng.choice(_NOT_OBJECTS)
        case "bad_bytes":
            value = _inside_a_string(value, fields, rng.choice(_BAD_UTF8))
        case "bad_escape":
            value = _inside_a_string(value, fields, rng.choice(_LONE_SURROGATES))
        case "trailing":
            value += rng.choice(_TRAILING)
        case "python_repr":
            value = value.replace(b'"', b"'")
        case _:
            value = shape.render(_with_latency(fields, rng.choice(_BAD_NUMBERS)))
    return value, _MALFORMED[fault][1]


def drifted_value(shape: Shape, fields: tuple[bytes, ...], rng: random.Random) -> tuple[bytes, str]:
    """An event with a field of another type or a key that is new, and the reason it is counted under."""
    if rng.getrandbits(1):
        return shape.render(_with_latency(fields, rng.choice(_LATENCY_ELSEWHERE))), "type_mismatch"
    return shape.render(fields)[:-1] + b"," + rng.choice(_UNKNOWN_KEYS) + b"}", "unknown_key"


def _truncated(value: bytes, rng: random.Random) -> bytes:
    """A prefix that ends between two characters and after no escape, so that nothing but its end is wrong."""
    end = rng.randrange(1, len(value))
    while end > 1 and (not _ends_a_character(value, end) or b"\\" in value[max(0, end - _LONGEST_ESCAPE) : end]):
        end -= 1
    return value[:end]


def _ends_a_character(value: bytes, end: int) -> bool:
    return value[end] & 0b1100_0000 != 0b1000_0000  # noqa: PLR2004 - the mark of a UTF-8 continuation byte


def _inside_a_string(value: bytes, fields: tuple[bytes, ...], piece: bytes) -> bytes:
    middle = value.index(fields[_EVENT_ID]) + len(fields[_EVENT_ID]) // 2
    return value[:middle] + piece + value[middle:]


def _with_latency(fields: tuple[bytes, ...], latency: bytes) -> tuple[bytes, ...]:
    """Every shape has a latency, so this reaches every event."""
    return (*fields[:_LATENCY], latency, *fields[_LATENCY + 1 :])
