"""Flag over environment over file: one tree of raw values that remembers where each came from."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from penstock import _native
from penstock.config.problem import KeyPath, Problem, dotted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

PREFIX = "PENSTOCK__"
SHORTEST_PATH = 2


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
                self._put(path, environment[name], name, "PENSTOCK__SECTION__KEY")

    def add_flags(self, flags: Iterable[str]) -> None:
        """Lay `section.key=value` over what is there."""
        for flag in flags:
            key, equals, text = flag.partition("=")
            path = tuple(key.strip().split(".")) if equals else ()
            self._put(path, text, "--set", "--set section.key=value")

    def report(self, problems: Iterable[Problem]) -> list[str]:
        """One line per problem, in the order of the file: place, key, message."""
        lines = []
        for problem in problems:
            path = self._written(problem.path)
            text = f"{dotted(path)}: {problem.message}" if path else problem.message
            lines.append((self._position(path), f"{problem.origin or self._place(path)}: {text}"))
        return [line for _, line in sorted(lines, key=itemgetter(0))]

    def _place(self, path: KeyPath) -> str:
        """`pipeline.toml:12:5`, or the override the value came with: at the key, around it, or all there is in it."""
        around = next((origin for origin in map(self.overrides.get, _upwards(path)) if origin), None)
        if around is None and dotted(path) not in self.positions:
            around = next((origin for at, origin in self.overrides.items() if at[: len(path)] == path), None)
        line, column = self._position(path)
        return around or (f"{self.file}:{line}:{column}" if self.positions else self.file)

    def _position(self, path: KeyPath) -> tuple[int, int]:
        """Line and column of the key or of the nearest thing around it that is written in the file."""
        return next((at for at in map(self.positions.get, map(dotted, _upwards(path))) if at), (1, 1))

    def _written(self, path: KeyPath) -> KeyPath:
        """The path as its writer knows it: `name = "type"` has no key `type` below it."""
        value: Any = self.values
        for depth, part in enumerate(path):
            if not isinstance(value, dict):
                return path if isinstance(value, list) else path[:depth]
            value = value.get(str(part), {})
        return path

    def _put(self, path: KeyPath, text: str, origin: str, form: str) -> None:
        if len(path) < SHORTEST_PATH or "" in path:
            self.problems.append(Problem((), f"not a section, a key and a value; write {form}", origin))
            return
        self.overrides[path] = origin
        table = self.values
        for depth, part in enumerate(path[:-1], start=1):
            inner = table.setdefault(str(part), {})
            if not isinstance(inner, dict):
                self.problems.append(Problem(path[:depth], "a single value, it has no keys", origin))
                return
            table = inner
        table[str(path[-1])] = parse_value(text)


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
