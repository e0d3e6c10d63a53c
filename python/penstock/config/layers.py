"""Flag over environment over file: one tree of raw values that remembers where each came from."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from penstock import _native
from penstock.config.problem import KeyPath, Problem, dotted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

PREFIX = "PENSTOCK__"


@dataclass(slots=True)
class Layers:
    """Raw values, and the place to name when one of them is wrong."""

    file: str
    values: dict[str, Any]
    positions: dict[str, tuple[int, int]]
    overrides: dict[KeyPath, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def add_environment(self, environment: Mapping[str, str]) -> None:
        """Lay `PENSTOCK__SECTION__KEY` over what is there."""
        for name in sorted(environment):
            if name.startswith(PREFIX):
                path = tuple(part.lower() for part in name.removeprefix(PREFIX).split("__"))
                self._put(path, parse_value(environment[name]), name)

    def add_flags(self, flags: Iterable[str]) -> None:
        """Lay `section.key=value` over what is there."""
        for flag in flags:
            key, equals, text = flag.partition("=")
            path = tuple(key.strip().split("."))
            if not equals:
                self.overrides[path] = "--set"
                self.problems.append(Problem(path, "no value; write --set section.key=value"))
            else:
                self._put(path, parse_value(text), "--set")

    def written(self, path: KeyPath) -> KeyPath:
        """The path as its writer knows it: `name = "type"` has no key `type` below it."""
        value: Any = self.values
        for depth, part in enumerate(path):
            if not isinstance(value, dict):
                return path if isinstance(value, list) else path[:depth]
            value = value.get(str(part), {})
        return path

    def locate(self, path: KeyPath) -> str:
        """`pipeline.toml:12:5`, the variable's name or `--set`: the nearest place that exists, upwards."""
        line, column = self.position(path)
        override = next((name for name in map(self.overrides.get, _upwards(path)) if name), None)
        return override or f"{self.file}:{line}:{column}"

    def position(self, path: KeyPath) -> tuple[int, int]:
        """Line and column of the key or of the nearest thing around it that is written in the file."""
        return next((at for at in map(self.positions.get, map(dotted, _upwards(path))) if at), (1, 1))

    def _put(self, path: KeyPath, value: object, origin: str) -> None:
        self.overrides[path] = origin
        table = self.values
        for depth, part in enumerate(path[:-1], start=1):
            inner = table.setdefault(str(part), {})
            if not isinstance(inner, dict):
                self.problems.append(Problem(path, f"{dotted(path[:depth])} is a single value, it has no keys"))
                return
            table = inner
        table[str(path[-1])] = value


def parse_value(text: str) -> object:
    """A TOML scalar or array; anything else is the string itself."""
    try:
        document = json.loads(_native.parse_toml(f"value = {text}")[0])
    except _native.TomlError:
        return text
    value = document.pop("value")
    return text if document or isinstance(value, dict) else value


def _upwards(path: KeyPath) -> Iterable[KeyPath]:
    return (path[:length] for length in range(len(path), 0, -1))
