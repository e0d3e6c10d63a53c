"""A configuration out of a mistaken file, so that all findings come at once and not one round after another."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from penstock.config.model import Config
from penstock.config.problem import KeyPath, from_pydantic

if TYPE_CHECKING:
    from collections.abc import Mapping

ROUNDS = 4
"""A stand-in can lack keys of its own, and a section that takes its parent along another one."""

STAND_INS: Mapping[KeyPath, object] = {
    ("pipeline",): {"name": "unnamed"},
    ("pipeline", "name"): "unnamed",
    ("source",): {},
    ("source", "brokers"): ["localhost:9092"],
    ("sink",): {},
    ("sink", "path"): "unknown",
}


def mended(values: Mapping[str, Any]) -> Config | None:
    """What is left when mistaken keys are taken out and missing ones stood in for; None if that is nothing."""
    rest = copy.deepcopy(dict(values))
    for _ in range(ROUNDS):
        try:
            return Config.model_validate(rest)
        except ValidationError as error:
            for details in error.errors(include_url=False):
                _mend(rest, from_pydantic(details).path, missing=details["type"] == "missing")
    return None


def _mend(values: dict[str, Any], path: KeyPath, *, missing: bool) -> None:
    """Put a stand-in, or take the key out: with its list if it is an element, with its section if it lacks a key."""
    keys = [str(part) for part in path]
    if missing and path not in STAND_INS:
        keys.pop()
    keys = keys[: next((depth for depth, part in enumerate(path) if isinstance(part, int)), len(keys))]
    table: Any = values
    for depth, key in enumerate(keys, start=1):
        # `name = "strng"` is read as a table with a wrong type: what is written is one value.
        inner = table.get(key)
        if depth < len(keys) and isinstance(inner, dict):
            table = inner
        elif path in STAND_INS:
            table[key] = copy.deepcopy(STAND_INS[path])
            return
        else:
            table.pop(key, None)
            return
