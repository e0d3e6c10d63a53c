"""Agent events as fleets of agents write them to Kafka: deterministic, streaming, cheap enough to feed a benchmark.

Nothing is serialised per event. Each way to write an event (producer, kind of event, optional keys) is rendered once,
by `json.dumps`, into a template with slots; an event is one template filled from pools of encoded values. Same seed,
same bytes, on every machine; a longer run begins with the shorter one; the ratios decide which events are replaced, not
what the others contain.
"""

from __future__ import annotations

import random
from datetime import UTC, datetime
from functools import lru_cache
from itertools import accumulate, islice
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from penstock.demo.faults import drifted_value, malformed_value
from penstock.demo.pools import Pools, pools
from penstock.demo.shapes import FIELDS, PRODUCERS, Shape, shapes
from penstock.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Profile = Literal["340", "1k", "8k"]
Verdict = Literal["row", "dead_letter", "tombstone"]

COLUMNS: Final[Mapping[str, str | dict[str, str]]] = {
    "event_id": "string",
    "at": {"path": "timestamp", "type": "timestamp[ms, UTC]"},
    "level": "string",
    "service": "string",
    "agent_id": "string",
    "session_id": "string",
    "user_email": "string",
    "event": "string",
    "model": "string",
    "status": "string",
    "latency_ms": "float64",
    "input_tokens": {"path": "usage.input_tokens", "type": "int64"},
    "output_tokens": {"path": "usage.output_tokens", "type": "int64"},
    "total_tokens": {"path": "usage.total_tokens", "type": "int64"},
    "tool": {"path": "tool.name", "type": "string"},
    "tool_ok": {"path": "tool.ok", "type": "bool"},
    "error": "string",
    "content": "string",
}
"""What `[decode.columns]` says for these events: every key that an undrifted event has is covered."""


class Event(NamedTuple):
    """One Kafka record and what must become of it."""

    key: bytes | None
    value: bytes | None
    verdict: Verdict
    code: str | None
    """A dead letter's rejection code; the drift reason of a row that drifts; else None."""


_BLOCK: Final = 512
_FIRST_MILLISECOND: Final = 1_767_600_000_000  # 2026-01-05T08:00:00Z
_FAULT_SALT: Final = 0x5EED
_SESSION_ID: Final = FIELDS.index("session_id")
_MILLISECONDS: Final = tuple(b".%03d" % millisecond for millisecond in range(1_000))
_PARAGRAPHS: Final[Mapping[Profile, tuple[int, ...]]] = {
    "340": (),
    "1k": (1, 2, 2, 3, 3),
    "8k": tuple(range(13, 37)),
}
"""How many paragraphs an event's text has; each number is as likely as the others."""


def events(
    profile: Profile,
    count: int,
    seed: int,
    *,
    malformed: float = 0.0,
    drifting: float = 0.0,
    tombstones: float = 0.0,
) -> Iterator[Event]:
    """Yield `count` events. `profile` names the mean size of a value in bytes; the ratios are shares of all events."""
    if profile not in _PARAGRAPHS:
        raise UsageError(f"Unknown event profile {profile!r}: one of {', '.join(_PARAGRAPHS)}.")
    if min(malformed, drifting, tombstones) < 0 or malformed + drifting + tombstones > 1:
        raise UsageError("The ratios malformed, drifting and tombstones must be 0 or more and add up to at most 1.")
    return islice(_stream(profile, seed, malformed, drifting, tombstones), count)


def _stream(profile: Profile, seed: int, malformed: float, drifting: float, tombstones: float) -> Iterator[Event]:
    fault_rng = random.Random(seed ^ _FAULT_SALT)
    faulty, drifted = malformed + drifting + tombstones, malformed + drifting
    for shape, fields, chance in _undisturbed(profile, random.Random(seed)):
        key = fields[_SESSION_ID] if shape.producer.keyed else None
        if chance >= faulty:
            yield Event(key, shape.render(fields), "row", None)
        elif chance < malformed:
            value, code = malformed_value(shape, fields, fault_rng)
            yield Event(key, value, "dead_letter", code)
        elif chance < drifted:
            value, code = drifted_value(shape, fields, fault_rng)
            yield Event(key, value, "row", code)
        else:
            yield Event(fields[_SESSION_ID], None, "tombstone", None)


def _undisturbed(profile: Profile, rng: random.Random) -> Iterator[tuple[Shape, tuple[bytes, ...], float]]:
    """Shape, values and a number in [0, 1) for every event, without end.

    Drawn by blocks: one call per column of a block, not one per value.
    """
    pool = pools()
    counts = _PARAGRAPHS[profile]
    all_shapes, weights = shapes(content=bool(counts))
    cumulative = list(accumulate(weights))
    arrival = _FIRST_MILLISECOND
    while True:
        ids = rng.randbytes(16 * _BLOCK).hex().encode()
        columns = zip(
            rng.choices(all_shapes, cum_weights=cumulative, k=_BLOCK),
            rng.choices(pool.levels, k=_BLOCK),
            rng.choices(pool.sessions, k=_BLOCK),
            rng.choices(pool.calls, k=_BLOCK),
            rng.choices(pool.latencies, k=_BLOCK),
            rng.choices(pool.export_delays, k=_BLOCK),
            rng.choices(pool.tools, k=_BLOCK),
            rng.choices(pool.outcomes, k=_BLOCK),
            strict=True,
        )
        for number, (shape, level, session, call, latency, delay, tool, outcome) in enumerate(columns):
            second, millisecond = divmod(arrival + number - delay, 1_000)
            time = _second(second) + _MILLISECONDS[millisecond]
            content = _content(pool, shape, rng, counts) if counts else b""
            event_id = ids[32 * number : 32 * number + 32]
            yield shape, (event_id, time, level, *session, *call, latency, tool, *outcome, content), rng.random()
        arrival += _BLOCK


@lru_cache(maxsize=64)
def _second(second: int) -> bytes:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S").encode()


def _content(pool: Pools, shape: Shape, rng: random.Random, counts: tuple[int, ...]) -> bytes:
    texts = pool.texts[PRODUCERS.index(shape.producer)]
    return b"\\n\\n".join(rng.choices(texts, k=rng.choice(counts)))
