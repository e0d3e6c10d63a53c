"""How each producer writes each kind of event: templates with slots, rendered once by `json.dumps`."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

FIELDS: Final = (
    "event_id",
    "timestamp",
    "level",
    "service",
    "agent_id",
    "session_id",
    "user_email",
    "model",
    "input_tokens",
    "output_tokens",
    "total_tokens",
    "latency_ms",
    "tool",
    "status",
    "error",
    "content",
)
"""The slots. An event's values stand in this order, encoded, whether its shape uses them or not."""

NUMBERS: Final = frozenset({"input_tokens", "output_tokens", "total_tokens", "latency_ms"})


@dataclass(frozen=True, slots=True)
class Producer:
    """One way to write JSON."""

    separators: tuple[str, str]
    ascii_only: bool
    html_safe: bool
    """Go's encoder writes `<`, `>` and `&` as escapes."""
    order: tuple[str, ...] | None
    """The keys it writes first; None: all keys sorted."""
    utc: str
    keyed: bool
    """Whether its records carry the session as their key."""

    def dumps(self, value: object) -> bytes:
        """Write `value` as this producer does."""
        text = json.dumps(value, separators=self.separators, ensure_ascii=self.ascii_only, sort_keys=self.order is None)
        if self.html_safe:
            text = text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
        return text.encode()


PRODUCERS: Final = (
    Producer((", ", ": "), ascii_only=True, html_safe=False, order=(), utc="+00:00", keyed=True),
    Producer((",", ":"), ascii_only=False, html_safe=True, order=("timestamp", "level", "event"), utc="Z", keyed=False),
    Producer((",", ":"), ascii_only=False, html_safe=False, order=None, utc="Z", keyed=True),
)
"""Python's `json.dumps`, Go, and JavaScript with sorted keys."""


@dataclass(frozen=True, slots=True)
class Shape:
    """One producer, one kind of event, one set of optional keys."""

    producer: Producer
    template: bytes
    pick: Callable[[tuple[bytes, ...]], tuple[bytes, ...]]
    """The template's slots, in its order, out of values in the order of `FIELDS`."""

    def render(self, fields: tuple[bytes, ...]) -> bytes:
        """Write one event."""
        return self.template % self.pick(fields)


_KINDS: Final[Mapping[str, tuple[int, tuple[str, ...]]]] = {
    "llm_call": (52, ("model", "status", "latency_ms", "usage")),
    "tool_call": (24, ("status", "latency_ms", "tool")),
    "agent_step": (18, ("model", "status", "latency_ms")),
    "llm_error": (4, ("model", "status", "latency_ms", "error")),
    "tool_error": (2, ("status", "latency_ms", "tool", "error")),
}
"""Per kind of event its share in percent and the keys it has beyond those that all have."""

_USER_KNOWN: Final = ((True, 7), (False, 3))


def _slot(name: str) -> str:
    return f"@{name}@"


_SLOT: Final = re.compile(rb'"?@([a-z_]+)@((?:Z|\+00:00)?)"?')


def _event(kind: str, extra: tuple[str, ...], producer: Producer, *, user: bool, content: bool) -> dict[str, Any]:
    failed = kind.endswith("_error")
    values: dict[str, Any] = {
        "event_id": _slot("event_id"),
        "timestamp": _slot("timestamp") + producer.utc,
        "level": "error" if failed else _slot("level"),
        "service": _slot("service"),
        "agent_id": _slot("agent_id"),
        "session_id": _slot("session_id"),
        "event": kind.replace("_error", "_call"),
    }
    if user:
        values["user_email"] = _slot("user_email")
    known: dict[str, Any] = {
        "model": _slot("model"),
        "status": _slot("status") if failed else "ok",
        "latency_ms": _slot("latency_ms"),
        "usage": {name: _slot(name) for name in ("input_tokens", "output_tokens", "total_tokens")},
        "tool": {"name": _slot("tool"), "ok": not failed},
        "error": _slot("error"),
    }
    values |= {name: known[name] for name in extra}
    if content:
        values["content"] = _slot("content")
    first = producer.order or ()
    return {name: values[name] for name in first} | values


def _shape(producer: Producer, event: dict[str, Any]) -> Shape:
    slots: list[int] = []

    def place(match: re.Match[bytes]) -> bytes:
        name = match[1].decode()
        slots.append(FIELDS.index(name))
        return b"%b" if name in NUMBERS else b'"%b' + match[2] + b'"'

    template = _SLOT.sub(place, producer.dumps(event))
    return Shape(producer, template, itemgetter(*slots))


@cache
def shapes(*, content: bool) -> tuple[tuple[Shape, ...], tuple[int, ...]]:
    """All shapes and how often each occurs, relative to the others."""
    found: list[Shape] = []
    weights: list[int] = []
    for producer in PRODUCERS:
        for kind, (share, extra) in _KINDS.items():
            for user, user_share in _USER_KNOWN:
                event = _event(kind, extra, producer, user=user, content=content)
                found.append(_shape(producer, event))
                weights.append(share * user_share)
    return tuple(found), tuple(weights)
