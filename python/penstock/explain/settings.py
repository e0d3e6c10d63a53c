"""Every setting with its value and where the value comes from."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from pydantic import BaseModel, BeforeValidator

from penstock.config.problem import COLUMNS, KeyPath, dotted
from penstock.config.units import duration_text, parse_size, size_text
from penstock.config.write import toml_key, toml_string, toml_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic.fields import FieldInfo

    from penstock.config import Config
    from penstock.config.layers import Layers

DEFAULT = "default"
TRANSFORM: KeyPath = ("transform",)


@dataclass(frozen=True, slots=True)
class Setting:
    """A key, its value as the file would write it, and `line N`, a variable, a flag or `default`."""

    key: str
    value: str
    origin: str


def settings(config: Config, layers: Layers) -> list[Setting]:
    """All that are set or have a default, in the order of the sections; columns are not among them. No secrets."""
    return [Setting(dotted(path), text, _origin(layers, path)) for path, text in _walk(config, ())]


def _walk(section: BaseModel, path: KeyPath) -> Iterator[tuple[KeyPath, str]]:
    for name, field in type(section).model_fields.items():
        value, here = getattr(section, name), (*path, name)
        if here == COLUMNS or value is None:
            continue
        if isinstance(value, BaseModel):
            yield from _walk(value, here)
        elif isinstance(value, tuple) and here == TRANSFORM:
            for number, step in enumerate(value):
                yield from _walk(step, (*here, number))
        elif value != () or field.is_required():
            yield here, value_text(value, field)


def value_text(value: object, field: FieldInfo | None = None) -> str:
    """As TOML writes it."""
    match value:
        case int() if field is not None and _is_size(field):
            return toml_string(size_text(value))
        case bool() | int() | float():
            return json.dumps(value)
        case tuple() | list() if not hasattr(value, "_fields"):
            return "[" + ", ".join(map(value_text, value)) + "]"
        case BaseModel():
            written = {name: inner for name, inner in value if inner is not None}
            return value_text(written if len(written) > 1 else next(iter(written.values()), ""))
        case dict():
            return toml_table({toml_key(name): value_text(inner) for name, inner in value.items()})
    return toml_string(duration_text(value) if isinstance(value, timedelta) else str(value))


def _is_size(field: FieldInfo) -> bool:
    return any(isinstance(part, BeforeValidator) and part.func is parse_size for part in field.metadata)


def _origin(layers: Layers, path: KeyPath) -> str:
    """A default that follows from another key is a default."""
    override = layers.origin(path)
    if override is not None:
        return override
    position = layers.positions.get(dotted(path))
    return f"line {position[0]}" if position else DEFAULT
