"""OTLP/JSON export requests, as an OpenTelemetry collector writes them to Kafka: spans of agents, four levels deep."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from bench.job import SEED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_ATTRIBUTES: Final = pa.list_(
    pa.struct(
        [
            ("key", pa.string()),
            (
                "value",
                pa.struct(
                    [
                        ("stringValue", pa.string()),
                        ("intValue", pa.string()),  # 64-bit integers are strings in JSON made of protobuf.
                        ("doubleValue", pa.float64()),
                        ("boolValue", pa.bool_()),
                    ]
                ),
            ),
        ]
    )
)
_SPAN: Final = pa.struct(
    [
        *((name, pa.string()) for name in ("traceId", "spanId", "parentSpanId", "name")),
        ("kind", pa.int64()),
        ("startTimeUnixNano", pa.string()),
        ("endTimeUnixNano", pa.string()),
        ("attributes", _ATTRIBUTES),
        ("status", pa.struct([("code", pa.int64()), ("message", pa.string())])),
    ]
)
_SCOPE_SPANS: Final = pa.struct(
    [("scope", pa.struct([("name", pa.string()), ("version", pa.string())])), ("spans", pa.list_(_SPAN))]
)
_RESOURCE_SPANS: Final = pa.struct(
    [("resource", pa.struct([("attributes", _ATTRIBUTES)])), ("scopeSpans", pa.list_(_SCOPE_SPANS))]
)
SPAN_SCHEMA: Final = pa.schema([("resourceSpans", pa.list_(_RESOURCE_SPANS))])


def type_text(kind: pa.DataType) -> str:
    """An Arrow type in the words of `[decode.columns]`."""
    if pa.types.is_list(kind):
        return f"list<{type_text(kind.value_type)}>"
    if pa.types.is_struct(kind):
        return "struct<" + ", ".join(f"{field.name}: {type_text(field.type)}" for field in kind) + ">"
    return {"double": "float64"}.get(str(kind), str(kind))


SPAN_COLUMNS: Final[Mapping[str, str]] = {field.name: type_text(field.type) for field in SPAN_SCHEMA}

_RESOURCES: Final = 32
_SPANS: Final = 512
_MODELS: Final = ("sonata-4-large", "sonata-4-mini", "cantata-2", "etude-7b-instruct")
_TOOLS: Final = ("search", "read_file", "write_file", "run_tests", "sql_query", "http_get")
_FIRST_NANOSECOND: Final = 1_767_600_000_000_000_000
_ID: Final = "@id@"


def span_requests() -> Iterator[bytes]:
    """One request per record: a resource, a scope, one to eight spans. Ids and times are new, the rest is pooled."""
    rng = random.Random(SEED)
    resources = [_dumps(_resource(rng)) for _ in range(_RESOURCES)]
    spans = [_template(_span(rng)) for _ in range(_SPANS)]
    scope = _dumps({"name": "agents.runtime", "version": "1.14.2"})
    now = _FIRST_NANOSECOND
    while True:
        trace, parent = rng.randbytes(16).hex().encode(), b""
        written = []
        for template in rng.choices(spans, k=rng.randrange(1, 9)):
            now += rng.randrange(1_000, 90_000_000)
            span = rng.randbytes(8).hex().encode()
            written.append(template % (trace, span, parent, now, now + rng.randrange(10_000, 4_000_000_000)))
            parent = span
        resource = rng.choice(resources)
        yield b'{"resourceSpans":[{"resource":%b,"scopeSpans":[{"scope":%b,"spans":[%b]}]}]}' % (
            resource,
            scope,
            b",".join(written),
        )


def _dumps(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _template(span: dict[str, Any]) -> bytes:
    text = _dumps(span).replace(b"%", b"%%")
    for slot in (b"%b", b"%b", b"%b", b"%d", b"%d"):
        text = text.replace(_ID.encode(), slot, 1)
    return text


def _resource(rng: random.Random) -> dict[str, Any]:
    return {
        "attributes": [
            _attribute("service.name", rng.choice(("checkout-agent", "support-triage", "code-review", "research"))),
            _attribute("service.version", f"2.{rng.randrange(40)}.{rng.randrange(9)}"),
            _attribute("host.name", f"ip-10-0-{rng.randrange(256)}-{rng.randrange(256)}"),
            _attribute("telemetry.sdk.language", "python"),
            _attribute("process.pid", rng.randrange(100, 60_000)),
            _attribute("deployment.canary", rng.random() < 0.1),
            _attribute("host.cpu.limit", round(rng.uniform(0.5, 16), 2)),
        ]
    }


def _span(rng: random.Random) -> dict[str, Any]:
    called = rng.random() < 0.6
    attributes: dict[str, object] = (
        {
            "gen_ai.operation.name": "chat",
            "gen_ai.request.model": rng.choice(_MODELS),
            "gen_ai.request.temperature": round(rng.random(), 3),
            "gen_ai.usage.input_tokens": rng.randrange(20, 20_000),
            "gen_ai.usage.output_tokens": rng.randrange(1, 3_000),
            "gen_ai.response.finish_reason": "stop",
            "agent.streaming": rng.random() < 0.5,
        }
        if called
        else {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": rng.choice(_TOOLS),
            "gen_ai.tool.arguments": json.dumps({"path": f"src/{rng.choice(_TOOLS)}.py", "line": rng.randrange(900)}),
            "agent.attempt": rng.randrange(1, 4),
        }
    )
    status: dict[str, object] = {"code": 1} if rng.random() < 0.95 else {"code": 2, "message": 'No "path": retry.\n'}
    return {
        "traceId": _ID,
        "spanId": _ID,
        "parentSpanId": _ID,
        "name": f"chat {rng.choice(_MODELS)}" if called else f"execute_tool {rng.choice(_TOOLS)}",
        "kind": rng.choice((1, 3)),
        "startTimeUnixNano": _ID,
        "endTimeUnixNano": _ID,
        "attributes": [_attribute(key, value) for key, value in attributes.items()],
        "status": status,
    }


def _attribute(key: str, value: object) -> dict[str, Any]:
    match value:
        case bool():
            typed: dict[str, object] = {"boolValue": value}
        case int():
            typed = {"intValue": str(value)}
        case float():
            typed = {"doubleValue": value}
        case _:
            typed = {"stringValue": value}
    return {"key": key, "value": typed}
