"""What the configuration language has and this version has not. Refused by name, never ignored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from penstock.config.problem import NOT_YET, KeyPath, Problem
from penstock.config.show import show

if TYPE_CHECKING:
    from collections.abc import Iterator

CODE = "not_available"
VALUES: dict[KeyPath, tuple[tuple[object, ...], str]] = {
    ("decode", "format"): (("otlp_proto", "otlp_json", "agent"), 'write "json"'),
    ("sink", "type"): (("delta", "iceberg", "kafka", "blackhole"), 'write "parquet"'),
}
STEPS = ("sql", "python")


def refuse(values: dict[str, Any]) -> Iterator[Problem]:
    """A problem for every key or value of a later version."""
    for path, (later, instead) in VALUES.items():
        value = _get(values, path)
        if any(value is known or (isinstance(value, str) and value == known) for known in later):
            yield Problem(path, f"{show(value)} is {NOT_YET}; {instead}", code=CODE)
    steps = values.get("transform")
    for number, step in enumerate(steps if isinstance(steps, list) else []):
        if isinstance(step, dict) and step.get("type") in STEPS:
            message = f'{show(step["type"])} is {NOT_YET}; there are "filter", "select" and "redact"'
            yield Problem(("transform", number, "type"), message, code=CODE)


def settled(refused: Problem) -> KeyPath:
    """The path about which nothing more can be said: a section of a later type has that type's keys, a step its own."""
    return refused.path[:-1] if refused.path[-1] == "type" else refused.path


def _get(values: dict[str, Any], path: KeyPath) -> object:
    value: Any = values
    for part in path:
        value = value.get(part) if isinstance(value, dict) else None
    return value
