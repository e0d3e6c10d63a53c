"""Flag over environment over file: one tree of raw values that remembers where each came from."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from penstock import _native
from penstock.config.finding import Finding, Place
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

    def report(self, problems: Iterable[Problem]) -> list[Finding]:
        """Each problem at its place, in the order of the file."""
        found = []
        for problem in problems:
            path = self._written(problem.path)
            place = Place(self.file, origin=problem.origin) if problem.origin else self._place(path)
            finding = Finding(place, problem.code, dotted(path), problem.message, problem.hint)
            found.append((self._position(path), finding))
        return [finding for _, finding in sorted(found, key=itemgetter(0))]

    def origin(self, path: KeyPath) -> str | None:
        """The variable or flag that the value at `path` came with; None if it is the file's, or a default."""
        return next((origin for origin in map(self.overrides.get, _upwards(path)) if origin), None)

    def says(self, path: KeyPath) -> bool:
        """Whether the key is written anywhere: in the file, the environment or a flag."""
        value: Any = self.values
        for part in path:
            if not isinstance(value, dict) or str(part) not in value:
                return False
            value = value[str(part)]
        return True

    def _place(self, path: KeyPath) -> Place:
        """At the key, or the override the value came with: at the key, around it, or all there is in it."""
        around = self.origin(path)
        if around is None and dotted(path) not in self.positions:
            around = next((origin for at, origin in self.overrides.items() if at[: len(path)] == path), None)
        if around:
            return Place(self.file, origin=around)
        return Place(self.file, *self._position(path)) if self.positions else Place(self.file)

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
            self.problems.append(
                Problem((), f"not a section, a key and a value; write {form}", origin, "invalid_override")
            )
            return
        self.overrides[path] = origin
        table = self.values
        for depth, part in enumerate(path[:-1], start=1):
            inner = table.setdefault(str(part), {})
            if not isinstance(inner, dict):
                self.problems.append(
                    Problem(path[:depth], "a single value, it has no keys", origin, "invalid_override")
                )
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
