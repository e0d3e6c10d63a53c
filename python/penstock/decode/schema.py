"""Columns of a pipeline that declares none: inferred once from the first records, and from then on the table's."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from penstock._native import infer_schema
from penstock.config import Column, steps
from penstock.config.problem import dotted
from penstock.errors import ConfigError
from penstock.telemetry.log import get_logger

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from penstock._native import Inferred
    from penstock.config import Config

log = get_logger("penstock.decode")

_COLUMNS = TypeAdapter(dict[str, Column])


def infer(config: Config, values: Sequence[bytes]) -> dict[str, Column]:
    """Columns for records like `values`; computes for a while. `ConfigError` if no value is a record with keys."""
    found = infer_schema(values, json.dumps(config.decode.rules()))
    if not found.columns:
        rejected = found.rejections[:1]
        why = f"the first is {rejected[0].code} ({rejected[0].message})" if rejected else "none has a key"
        raise ConfigError(
            f"Columns can't be inferred: of the first {len(values)} records {found.records} can be decoded; {why}. "
            "Declare the columns under [decode.columns], or correct source.topics or decode.format."
        )
    for column in found.columns:
        log.info(
            "Column inferred.",
            name=column.name,
            path=".".join(column.path),
            type=column.type,
            present=column.present,
            kinds=column.kinds,
            reason=column.reason,
        )
    log.info(
        "Columns inferred; they stay as they are. To choose them yourself, declare them under [decode.columns].",
        columns=len(found.columns),
        records=found.records,
        undecodable=len(found.rejections),
    )
    return to_columns(found)


def to_columns(inferred: Inferred) -> dict[str, Column]:
    """As the configuration would declare them."""
    return _COLUMNS.validate_python(
        {column.name: {"path": column.path, "type": column.type} for column in inferred.columns}
    )


def to_records(columns: Mapping[str, Column]) -> list[dict[str, object]]:
    """As the table keeps them."""
    return [{"name": name, "path": list(column.path), "type": str(column.type)} for name, column in columns.items()]


def from_records(location: str, records: Sequence[Mapping[str, Any]]) -> dict[str, Column]:
    """What `to_records` gave. `ConfigError` naming `location` if they are something else."""
    try:
        return _COLUMNS.validate_python(
            {record["name"]: {"path": record["path"], "type": record["type"]} for record in records}
        )
    except (KeyError, TypeError, ValidationError):
        raise ConfigError(f"{location}: its inferred columns are damaged: restore the file from a copy.") from None


def resolve(config: Config, columns: Mapping[str, Column]) -> Config:
    """`config` with these columns, as if it declared them. `ConfigError` if its transforms don't fit them."""
    resolved = config.model_copy(update={"decode": config.decode.model_copy(update={"columns": dict(columns)})})
    problems = [f"{dotted(problem.path)}: {problem.message}" for problem in steps.check(resolved)]
    if problems:
        raise ConfigError("\n".join([*problems, "The columns are inferred; declare them under [decode.columns]."]))
    return resolved
