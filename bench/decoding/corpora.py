"""What `bench/decode.py` reads: newline-delimited JSON, the same bytes every time, each corpus hard in its own way."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson
import pyarrow as pa

from bench.decoding.spans import SPAN_COLUMNS, SPAN_SCHEMA, span_requests
from bench.decoding.texts import inner_json_texts, non_ascii_texts
from bench.job import SEED
from penstock.demo.events import events

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from penstock.demo.events import Profile

_ENDLESS: Final = 1 << 40
_TEXT_COLUMNS: Final = (
    *("event_id", "timestamp", "level", "service", "agent_id", "session_id", "user_email", "event", "model"),
    *("status", "error"),
)
EVENT_SCHEMA: Final = pa.schema(
    [
        *((name, pa.string()) for name in _TEXT_COLUMNS),
        ("latency_ms", pa.float64()),
        ("usage", pa.struct([(f"{kind}_tokens", pa.int64()) for kind in ("input", "output", "total")])),
        ("tool", pa.struct([("name", pa.string()), ("ok", pa.bool_())])),
        ("content", pa.string()),
    ]
)
"""The events' fields as they are in the JSON. Times stay text: then everybody reads the same values."""

_EVENT_COLUMNS: Final[Mapping[str, str]] = {
    **dict.fromkeys(_TEXT_COLUMNS, "string"),
    "latency_ms": "float64",
    **dict.fromkeys(("usage.input_tokens", "usage.output_tokens", "usage.total_tokens"), "int64"),
    "tool.name": "string",
    "tool.ok": "bool",
    "content": "string",
}
_SHAPES_DROP, _SHAPES_NULL = 0.2, 0.03
"""Of the keys of a record in `all_distinct`."""


@dataclass(frozen=True, slots=True)
class Corpus:
    """One kind of records without end, of which a file takes as many as fit."""

    name: str
    about: str
    records: Callable[[], Iterator[bytes]]
    schema: pa.Schema
    """As nested as the JSON is."""
    columns: Mapping[str, str]
    """The same fields as `[decode.columns]` says them: those of an object are columns of their own."""

    def write(self, size_bytes: int, directory: Path) -> list[bytes]:
        """Write `NAME.ndjson` of about `size_bytes`, and beside it our decoder's configuration; the records."""
        lines: list[bytes] = []
        left = size_bytes
        for record in self.records():
            left -= len(record) + 1
            if left < 0 and lines:
                break
            lines.append(record)
        directory.mkdir(parents=True, exist_ok=True)
        (directory / f"{self.name}.ndjson").write_bytes(b"\n".join(lines) + b"\n")
        columns = [{"name": name, "path": name.split("."), "type": kind} for name, kind in self.columns.items()]
        (directory / f"{self.name}.columns.json").write_text(json.dumps({"columns": columns}))
        return lines


def _values(profile: Profile) -> Iterator[bytes]:
    return (event.value for event in events(profile, _ENDLESS, SEED) if event.value is not None)


def _with_content(texts: Sequence[bytes]) -> Iterator[bytes]:
    """Flat events, each with one of `texts`, written as JSON strings, for its `content`."""
    rng = random.Random(SEED)
    for value in _values("340"):
        yield value[:-1] + b',"content":' + rng.choice(texts) + b"}"


def _all_distinct() -> Iterator[bytes]:
    """Hardly two records with the same keys in the same order."""
    rng = random.Random(SEED)
    known: dict[str, Any] = {}
    for value in _values("1k"):
        known |= orjson.loads(value)
        keys = [key for key in known if rng.random() > _SHAPES_DROP]
        rng.shuffle(keys)
        yield orjson.dumps({key: None if rng.random() < _SHAPES_NULL else known[key] for key in keys})


def _spaced() -> Iterator[bytes]:
    return (json.dumps(orjson.loads(value)).encode() for value in _values("1k"))


def _corpus(name: str, about: str, records: Callable[[], Iterator[bytes]], *, content: bool = True) -> Corpus:
    schema = EVENT_SCHEMA if content else EVENT_SCHEMA.remove(EVENT_SCHEMA.get_field_index("content"))
    columns = {key: kind for key, kind in _EVENT_COLUMNS.items() if content or key != "content"}
    return Corpus(name, about, records, schema, columns)


CORPORA: Final[Mapping[str, Corpus]] = {
    corpus.name: corpus
    for corpus in (
        _corpus("340", "flat events without text", lambda: _values("340"), content=False),
        _corpus("1k", "events with prose, markdown and code, an escape per 29 B of text", lambda: _values("1k")),
        _corpus("8k", "the same with more text", lambda: _values("8k")),
        _corpus(
            "inner_json",
            "text that is JSON itself, an escape per 5 B of text",
            lambda: _with_content(inner_json_texts()),
        ),
        Corpus("otlp_json", "export requests of OTLP/JSON, nested", span_requests, SPAN_SCHEMA, SPAN_COLUMNS),
        _corpus("non_ascii", "30 % of the bytes outside ASCII", lambda: _with_content(non_ascii_texts())),
        _corpus("all_distinct", "keys in random order, each missing or null at random", _all_distinct),
        _corpus("spaced", "as `json.dumps` writes by default", _spaced),
    )
}
