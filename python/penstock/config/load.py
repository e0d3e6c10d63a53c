"""From a path to a `Config`, or to one error with every mistake in it."""

from __future__ import annotations

import copy
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from penstock import _native
from penstock.config import later, rules, steps
from penstock.config.file import STDIN
from penstock.config.finding import Finding, Place
from penstock.config.layers import Layers
from penstock.config.model import Config
from penstock.config.problem import Problem, from_pydantic
from penstock.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@dataclass(frozen=True, slots=True)
class Examined:
    """A pipeline file as it was read. `config` is None where there are mistakes, `layers` where it is not even TOML."""

    config: Config | None
    mistakes: tuple[Finding, ...] = ()
    layers: Layers | None = None

    def error(self) -> ConfigError:
        """All mistakes as one."""
        return ConfigError("\n".join(map(str, self.mistakes)))


def load(path: Path, flags: Iterable[str] = (), environment: Mapping[str, str] = os.environ) -> Config:
    """Read, layer and check a pipeline file; `-` stands for `stdin_pipeline`.

    `flags` are `section.key=value`; `environment` gives `PENSTOCK__SECTION__KEY`. Flag over environment over file
    over default. Raises `ConfigError` with one line per mistake, in the order of the file. Touches no network; reads
    the files that `[source.sasl]` and `[source.tls]` name.
    """
    examined = examine(path, flags, environment)
    if examined.config is None:
        raise examined.error()
    return examined.config


def examine(path: Path, flags: Iterable[str] = (), environment: Mapping[str, str] = os.environ) -> Examined:
    """As `load`, with the mistakes as values."""
    try:
        layers = Layers("--set", stdin_pipeline(), {}) if str(path) == STDIN else _parse(path)
    except _UnreadableError as error:
        return Examined(None, (error.finding,))
    layers.add_environment(environment)
    layers.add_flags(flags)
    return _check(layers, _refuse_memory(layers.values))


def load_test(pipeline: Path | Mapping[str, Any], flags: Iterable[str] = ()) -> Config:
    """As `load`, of a file or of its sections as a dict, with a memory source and tables instead of those it names."""
    values = None if isinstance(pipeline, Path) else copy.deepcopy(dict(pipeline))
    try:
        layers = _parse(pipeline) if isinstance(pipeline, Path) else Layers("pipeline", values or {}, {})
    except _UnreadableError as error:
        raise ConfigError(str(error.finding)) from None
    layers.add_flags(flags)
    layers.values["source"] = {"type": "memory"}
    layers.values.setdefault("pipeline", {"name": "test"})
    layers.values.setdefault("sink", {"path": "rows"})
    examined = _check(layers)
    if examined.config is None:
        raise examined.error()
    return examined.config


def stdin_pipeline() -> dict[str, Any]:
    """What `penstock run -` stands for: records from standard input. Flags and environment say the rest.

    Columns are not named: they are inferred, or declared by `--set decode.columns.NAME=TYPE`.
    """
    return {"pipeline": {"name": "stdin"}, "source": {"type": "file", "path": STDIN}}


def _refuse_memory(values: dict[str, Any]) -> list[Problem]:
    source = values.get("source")
    if not isinstance(source, dict) or source.get("type") != "memory":
        return []
    return [Problem(("source", "type"), '"memory" is for penstock.testing; write "kafka" or "file"')]


def _check(layers: Layers, refused: Iterable[Problem] = ()) -> Examined:
    refused = [*refused, *later.refuse(layers.values)]
    problems = list(rules.check(layers.values))
    try:
        config = Config.model_validate(layers.values)
    except ValidationError as error:
        problems += map(from_pydantic, error.errors(include_url=False))
    else:
        problems += [] if refused or problems else steps.check(config)
        if not (layers.problems or refused or problems):
            return Examined(config, layers=layers)
    settled = [later.settled(problem) for problem in refused]
    open_problems = [p for p in problems if not any(p.path[: len(path)] == path for path in settled)]
    return Examined(None, tuple(layers.report([*layers.problems, *refused, *open_problems])), layers)


class _UnreadableError(Exception):
    """There is nothing to check."""

    def __init__(
        self,
        path: Path,
        message: str,
        line: int | None = None,
        column: int | None = None,
        code: str = "unreadable_file",
    ) -> None:
        self.finding = Finding(Place(str(path), line, column), code, "", message)


def _parse(path: Path) -> Layers:
    try:
        values, positions = _native.parse_toml(_read(path))
    except _native.TomlError as error:
        message, line, column = error.args
        raise _UnreadableError(path, f"not valid TOML: {message}", line, column, "invalid_toml") from None
    return Layers(str(path), json.loads(values), positions)


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        raise _UnreadableError(path, "no such file; give the path of a pipeline file") from None
    except IsADirectoryError:
        raise _UnreadableError(path, "is a directory; give the path of a pipeline file") from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise _UnreadableError(path, "not UTF-8; a pipeline file is UTF-8 text", line) from None
    except OSError as error:
        raise _UnreadableError(path, f"can't be read: {error.strerror}") from None
