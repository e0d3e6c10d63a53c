"""From a path to a `Config`, or to one error with every mistake in it."""

from __future__ import annotations

import copy
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from penstock import _native
from penstock.config import later, rules, steps
from penstock.config.file import STDIN
from penstock.config.layers import Layers
from penstock.config.model import Config
from penstock.config.problem import Problem, from_pydantic
from penstock.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def load(path: Path, flags: Iterable[str] = (), environment: Mapping[str, str] = os.environ) -> Config:
    """Read, layer and check a pipeline file; `-` stands for `stdin_pipeline`.

    `flags` are `section.key=value`; `environment` gives `PENSTOCK__SECTION__KEY`. Flag over environment over file
    over default. Raises `ConfigError` with one line per mistake, in the order of the file. Touches no network; reads
    the files that `[source.sasl]` and `[source.tls]` name.
    """
    layers = Layers("--set", stdin_pipeline(), {}) if str(path) == STDIN else _parse(path)
    layers.add_environment(environment)
    layers.add_flags(flags)
    return _check(layers, _refuse_memory(layers.values))


def load_test(pipeline: Path | Mapping[str, Any], flags: Iterable[str] = ()) -> Config:
    """As `load`, of a file or of its sections as a dict, with a memory source and tables instead of those it names."""
    values = None if isinstance(pipeline, Path) else copy.deepcopy(dict(pipeline))
    layers = _parse(pipeline) if isinstance(pipeline, Path) else Layers("pipeline", values or {}, {})
    layers.add_flags(flags)
    layers.values["source"] = {"type": "memory"}
    layers.values.setdefault("pipeline", {"name": "test"})
    layers.values.setdefault("sink", {"path": "rows"})
    return _check(layers)


def stdin_pipeline() -> dict[str, Any]:
    """What `penstock run -` stands for: records from standard input. Flags and environment say the rest.

    Columns are not named: they are inferred, or declared by `--set decode.columns.NAME=TYPE`.
    """
    return {"pipeline": {"name": "stdin"}, "source": {"type": "file", "path": STDIN}}


def _parse(path: Path) -> Layers:
    text = _read(path)
    try:
        values, positions = _native.parse_toml(text)
    except _native.TomlError as error:
        message, line, column = error.args
        raise ConfigError(f"{path}:{line}:{column}: not valid TOML: {message}") from None
    return Layers(str(path), json.loads(values), positions)


def _refuse_memory(values: dict[str, Any]) -> list[Problem]:
    source = values.get("source")
    if not isinstance(source, dict) or source.get("type") != "memory":
        return []
    return [Problem(("source", "type"), '"memory" is for penstock.testing; write "kafka" or "file"')]


def _check(layers: Layers, refused: Iterable[Problem] = ()) -> Config:
    refused = [*refused, *later.refuse(layers.values)]
    problems = list(rules.check(layers.values))
    try:
        config = Config.model_validate(layers.values)
    except ValidationError as error:
        problems += map(from_pydantic, error.errors(include_url=False))
    else:
        problems += [] if refused or problems else steps.check(config)
        if not (layers.problems or refused or problems):
            return config
    settled = [later.settled(problem) for problem in refused]
    open_problems = [p for p in problems if not any(p.path[: len(path)] == path for path in settled)]
    raise ConfigError("\n".join(layers.report([*layers.problems, *refused, *open_problems])))


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file; give the path of a pipeline file") from None
    except IsADirectoryError:
        raise ConfigError(f"{path}: is a directory; give the path of a pipeline file") from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise ConfigError(f"{path}:{line}: not UTF-8; a pipeline file is UTF-8 text") from None
    except OSError as error:
        raise ConfigError(f"{path}: can't be read: {error.strerror}") from None
