"""Put together from the configuration and the core: what will run, on which columns, with how much memory."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from penstock._native import Engine, NativeError
from penstock.config.load import examine
from penstock.decode.sample_file import infer, read_sample
from penstock.decode.schema import resolve, to_columns
from penstock.errors import ConfigError, UsageError
from penstock.explain.settings import Setting, settings
from penstock.lint.advice import EARLY_CUT_AT
from penstock.source.fetch_mode import choose

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from penstock._native import Inferred
    from penstock.config import Config
    from penstock.source.fetch_mode import Fetching

ColumnsFrom = Literal["file", "sample", "first records"]


@dataclass(frozen=True, slots=True)
class Column:
    """A column as it is decoded. The last three are known of inferred columns only."""

    name: str
    path: list[str]
    type: str
    required: bool
    present: int | None = None
    kinds: dict[str, int] | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Memory:
    """What `memory_limit` means, in bytes. `row_groups` full ones fit before the largest open file is cut early.

    `fetch_bytes` is what a broker may answer at once, if the source is Kafka.
    """

    limit_bytes: int
    early_cut_bytes: int
    row_group_bytes: int
    row_groups: int
    fetch_bytes: int | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """Ready to be printed. Without columns there are no `steps`, no columns of the main table and no digest yet."""

    file: str
    pipeline: str
    settings: list[Setting]
    columns_from: ColumnsFrom
    columns: list[Column]
    sample_records: int | None
    """How many records of the sample can be decoded, if there is one."""
    sample_rejections: int | None
    decoded: list[dict[str, Any]] | None
    """The columns before the first step, as {name, type, nullable}."""
    steps: list[dict[str, Any]]
    """As the core says: type, runs, reads, builds, schema."""
    tables: dict[str, dict[str, Any]]
    """By role, `main` and `dead_letter`: path, and its columns as {name, type, nullable}."""
    memory: Memory
    fetching: Fetching | None
    """What `source.fetch_mode` comes to with the installed aiokafka, if the source is Kafka."""
    plan_digest: str | None


@dataclass(frozen=True, slots=True)
class Explained:
    """What was read, and what it means."""

    config: Config
    explanation: Explanation


def explain(
    path: Path,
    flags: Iterable[str] = (),
    *,
    sample: Path | None = None,
    environment: Mapping[str, str] = os.environ,
) -> Explained:
    """Read a pipeline file and say what it means; `sample` stands for the records that columns are inferred from.

    Touches no network. Raises `ConfigError` as `load`, `UsageError` for a sample that is none.
    """
    examined = examine(path, flags, environment)
    config, layers = examined.config, examined.layers
    if config is None or layers is None:
        raise ConfigError("\n".join(map(str, examined.mistakes)))
    set_by = settings(config, layers)
    columns_from: ColumnsFrom = "file" if config.decode.columns else "first records"
    inferred = None
    if sample is not None:
        if columns_from == "file":
            raise UsageError(f"{path} declares its columns; a sample is for a file that has them inferred.")
        columns_from, inferred = "sample", infer(read_sample(sample, config.decode), config.decode)
        config = resolve(config, to_columns(inferred))
    engine = _engine(config, path) if config.decode.columns else None
    return Explained(
        config,
        Explanation(
            file=str(path),
            pipeline=config.pipeline.name,
            settings=set_by,
            columns_from=columns_from,
            columns=_columns(config, inferred),
            sample_records=None if inferred is None else inferred.records,
            sample_rejections=None if inferred is None else len(inferred.rejections),
            decoded=None if engine is None else _decoded(config),
            steps=[] if engine is None else _steps(engine),
            tables=_tables(config, engine),
            memory=_memory(config),
            fetching=choose(config.source.fetch_mode) if config.source.type == "kafka" else None,
            plan_digest=None if engine is None else config.plan_digest(engine.schema_json("main")),
        ),
    )


def _engine(config: Config, path: Path) -> Engine:
    try:
        return Engine(config.engine_json(), 1)
    except NativeError as error:  # A declared configuration is checked before; inferred columns may not fit the steps.
        raise ConfigError(f"{path}: {error}") from None


def _columns(config: Config, inferred: Inferred | None) -> list[Column]:
    facts = {} if inferred is None else {column.name: column for column in inferred.columns}
    columns = []
    for name, column in config.decode.columns.items():
        known = facts.get(name)
        about = () if known is None else (known.present, known.kinds, known.reason)
        columns.append(Column(name, list(column.path), str(column.type), column.required, *about))
    return columns


def _decoded(config: Config) -> list[dict[str, Any]]:
    plain = {**json.loads(config.engine_json()), "kafka_columns": False}
    plain.pop("transform", None)
    columns: list[dict[str, Any]] = json.loads(Engine(json.dumps(plain), 1).schema_json("main"))
    return columns


def _steps(engine: Engine) -> list[dict[str, Any]]:
    steps: list[dict[str, Any]] = json.loads(engine.explain_json())
    return steps


def _tables(config: Config, engine: Engine | None) -> dict[str, dict[str, Any]]:
    tables: dict[str, dict[str, Any]] = {}
    for role, path in (("main", config.sink.path), ("dead_letter", config.dead_letter.path)):
        tables[role] = {"path": str(path), "columns": engine and json.loads(engine.schema_json(role))}
    return tables


def _memory(config: Config) -> Memory:
    limit = config.pipeline.memory_limit
    early, row_group = int(limit * EARLY_CUT_AT), json.loads(config.engine_json())["encode"]["row_group_bytes"]
    fetch = config.fetch_bytes if config.source.type == "kafka" else None
    return Memory(limit, early, row_group, early // row_group, fetch)
