"""A Parquet directory as a table: whose it is, and which columns it has. It lies in `_penstock/` beside the files.

Each file there is created once, by whoever comes first, and what is read back rules:

    table.json          table id, first owner (job id and pipeline name), role, cluster
    take-over/<n>.json  a later owner, if the pipeline was renamed; the highest number is the owner
    columns.json        where the columns' values are in the records, if that was inferred; before the first commit
    schema.json         the columns, fixed at the first commit
    origin/<p>.json     per partition, the first offset that the table wants
    started.json        the origins of all partitions that there were at the first start are put
"""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from penstock.commit import file_name
from penstock.errors import ConfigError
from penstock.source import file_identity

if TYPE_CHECKING:
    from penstock.batch import Partition
    from penstock.commit.effects import Table
    from penstock.sink.storage import Storage

VERSION = 1
TABLE = "_penstock/table.json"
TAKE_OVER = "_penstock/take-over/"
COLUMNS = "_penstock/columns.json"
SCHEMA = "_penstock/schema.json"
STARTED = "_penstock/started.json"
ORIGIN = "_penstock/origin/"


@dataclass(frozen=True, slots=True)
class Identity:
    """What a table is and whose. `job_id` outlives a change of the pipeline's `name`."""

    table_id: str
    job_id: str
    name: str
    role: str
    cluster_id: str


def read_json(storage: Storage, name: str) -> dict[str, Any] | None:
    """None if it is absent; `ConfigError` if it can't be understood."""
    content = storage.read(name)
    if content is None:
        return None
    try:
        found = json.loads(content)
    except ValueError:
        found = None
    if not isinstance(found, dict) or found.get("version") != VERSION:
        raise ConfigError(
            f"{storage.location}/{name} is damaged, or of another version of Penstock: restore it from a copy, or "
            "run the version that wrote it."
        )
    return found


def put_json(storage: Storage, name: str, values: dict[str, object]) -> bool:
    """Create it if it is absent."""
    content = json.dumps({"version": VERSION, **values}, indent=1, ensure_ascii=False)
    return storage.create_if_absent(name, content.encode())


def identify(storage: Storage) -> Identity | None:
    """The table's identity with its present owner; None if there is no table yet."""
    found = read_json(storage, TABLE)
    if found is None:
        return None
    later = storage.names(TAKE_OVER)
    owner = (read_json(storage, later[-1]) if later else None) or found
    return Identity(
        table_id=_text(storage, found, TABLE, "table"),
        job_id=_text(storage, owner, TABLE, "job"),
        name=_text(storage, owner, TABLE, "name"),
        role=_text(storage, found, TABLE, "role"),
        cluster_id=_text(storage, found, TABLE, "cluster_id"),
    )


def claim(
    storage: Storage, role: Table, name: str, cluster_id: str, job_id: str | None, *, take_over: bool
) -> Identity:
    """Make the table if there is none, and check that it is ours; `ConfigError` if it is not.

    `job_id` is None for the main table, whose job it tells. With `take_over` the owner may differ, nothing else.
    """
    found = identify(storage)
    if found is None:
        _refuse_orphans(storage)
        first = {"table": uuid.uuid4().hex, "job": job_id or uuid.uuid4().hex, "name": name}
        put_json(storage, TABLE, {**first, "role": role, "cluster_id": cluster_id})
        found = identify(storage)
    while True:
        if found is None:
            raise ConfigError(f"{storage.location}/{TABLE} was removed while Penstock started: restore it.")
        _check_use(storage, found, role, cluster_id)
        if found.name == name and job_id in (None, found.job_id):
            return found
        if not take_over:
            raise _not_ours(storage, found, name)
        record = f"{TAKE_OVER}{len(storage.names(TAKE_OVER)) + 1:05}.json"
        put_json(storage, record, {"job": job_id or found.job_id, "name": name})
        found = identify(storage)


def fixed_schema(storage: Storage) -> list[dict[str, Any]] | None:
    """The table's columns, `{name, type, nullable}` in order; None before the first commit."""
    found = read_json(storage, SCHEMA)
    return None if found is None else found["columns"]


def check_schema(storage: Storage, columns: list[dict[str, Any]], *, fix: bool) -> None:
    """`ConfigError` naming the differences if the table has other columns. With `fix` it has these from now on."""
    if fix:
        put_json(storage, SCHEMA, {"columns": columns})
    fixed = fixed_schema(storage)
    if fixed is None or fixed == columns:
        return
    raise ConfigError(
        f"{storage.location}: the pipeline's columns are not the table's, which were fixed at its first commit: "
        f"{'; '.join(_differences(fixed, columns))}. Declare the table's columns in [decode.columns], or write to a "
        "new path."
    )


def inferred_columns(storage: Storage) -> list[dict[str, Any]] | None:
    """The inferred columns, `{name, path, type}` in order; None if none were inferred."""
    found = read_json(storage, COLUMNS)
    if found is None:
        return None
    if not isinstance(found.get("columns"), list):
        raise ConfigError(f"{storage.location}/{COLUMNS} is damaged: restore it from a copy.")
    return list(found["columns"])


def put_inferred_columns(storage: Storage, columns: list[dict[str, object]]) -> None:
    """Keep them, if none are kept yet; what is read back rules."""
    put_json(storage, COLUMNS, {"columns": columns})


def put_origin(storage: Storage, partition: Partition, offset: int) -> None:
    """Create the origin of `partition` if it has none."""
    whose = {"cluster_id": partition.cluster_id, "topic": partition.topic, "topic_id": partition.topic_id}
    put_json(storage, _origin_name(partition), {**whose, "partition": partition.number, "offset": offset})


def read_origin(storage: Storage, partition: Partition) -> int | None:
    """The first offset that the table wants of `partition`; None if that is not decided yet."""
    found = read_json(storage, _origin_name(partition))
    if found is None:
        return None
    if not isinstance(found.get("offset"), int):
        raise ConfigError(f"{storage.location}/{_origin_name(partition)} is damaged: restore it from a copy.")
    return int(found["offset"])


def topics(storage: Storage) -> dict[str, str]:
    """Every topic id that has an origin, with its topic's name."""
    found = (read_json(storage, name) for name in storage.names(ORIGIN) if name.endswith(".json"))
    return {str(origin["topic_id"]): str(origin["topic"]) for origin in found if origin and "topic_id" in origin}


def _origin_name(partition: Partition) -> str:
    return f"{ORIGIN}{file_name.partition_part(partition)}.json"


def _refuse_orphans(storage: Storage) -> None:
    orphan = next((name for name in storage.names("") if file_name.parse(name)), None)
    # Looked at again: another worker may have made the table and its first file in between.
    if orphan is not None and storage.read(TABLE) is None:
        raise ConfigError(
            f"{storage.location} has data files ({orphan}) but no {TABLE}, so their owner is unknown: restore "
            "_penstock, or write to a new path."
        )


def _check_use(storage: Storage, found: Identity, role: str, cluster_id: str) -> None:
    if found.role != role:
        raise ConfigError(
            f"{storage.location} is a table of role {found.role} (of pipeline {found.name}), not {role}: exchange "
            "sink.path and dead_letter.path, or choose another path."
        )
    if found.cluster_id != cluster_id and file_identity.CLUSTER_ID in (found.cluster_id, cluster_id):
        raise ConfigError(
            f"{storage.location} holds records of another kind of source (Kafka or files): correct source.type, or "
            "write to a new path."
        )
    if found.cluster_id != cluster_id:
        raise ConfigError(
            f"{storage.location} holds records of the Kafka cluster {found.cluster_id}, the brokers are of "
            f"{cluster_id}: correct source.brokers, or write to a new path."
        )


def _not_ours(storage: Storage, found: Identity, name: str) -> ConfigError:
    if found.name == name:
        return ConfigError(
            f"{storage.location} belongs to another job of the name {name} (job {found.job_id}) than the main table: "
            "was the main table removed or unmounted? Bring it back, or choose another dead_letter.path."
        )
    return ConfigError(
        f"{storage.location} belongs to the pipeline {found.name}, this one is {name}: choose another path, or, if "
        "the pipeline was renamed, run once with --take-over."
    )


def _text(storage: Storage, found: dict[str, Any], name: str, key: str) -> str:
    value = found.get(key)
    if not isinstance(value, str):
        raise ConfigError(f'{storage.location}/{name} is damaged ("{key}"): restore it from a copy.')
    return value


def _differences(fixed: list[dict[str, Any]], columns: list[dict[str, Any]]) -> list[str]:
    theirs, ours = ({column["name"]: column for column in side} for side in (fixed, columns))
    found = [f"{name} is missing here" for name in theirs if name not in ours]
    found += [f"{name} is not in the table" for name in ours if name not in theirs]
    for name in theirs.keys() & ours.keys():
        if theirs[name]["type"] != ours[name]["type"]:
            found.append(f"{name} is {theirs[name]['type']} in the table, {ours[name]['type']} here")
        elif theirs[name] != ours[name]:
            word = "may" if theirs[name]["nullable"] else "may not"
            found.append(f"{name} {word} be null in the table")
    return sorted(found) or [f"the table's order is {', '.join(theirs)}"]
