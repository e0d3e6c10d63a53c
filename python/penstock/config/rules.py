"""What no single key can tell: keys that exclude, need or contain each other.

The rules read raw values, so that they speak even where the types are wrong, and all mistakes come out at once.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from penstock.config.decode import RESERVED_NAMES, RESERVED_PREFIX, reserved
from penstock.config.model import derive
from penstock.config.problem import KeyPath, Problem
from penstock.config.section import path_mistake
from penstock.config.source import DEFAULT

if TYPE_CHECKING:
    from collections.abc import Iterator


def check(values: dict[str, Any]) -> Iterator[Problem]:
    """A problem for every rule that is broken."""
    yield from _source(values)
    yield from _columns(values)
    yield from _keys_of_hashes(values)
    yield from _separate_tables(values)


def _source(values: dict[str, Any]) -> Iterator[Problem]:
    source, tls = _table(values, "source"), _table(_table(values, "source"), "tls")
    if source.get("type", DEFAULT) != "kafka":
        return
    for name in ("brokers", "topics"):
        if source.get(name) == []:
            yield Problem(("source", name), "empty list; name at least one")
    yield from _exactly_one(("source",), values, "topics", "topics_regex")
    yield from _exactly_one(("source", "sasl"), source, "password_env", "password_file")
    for present, absent in (("cert", "key"), ("key", "cert")):
        if present in tls and absent not in tls:
            yield Problem(("source", "tls", present), f"needs {absent} beside it in [source.tls]")


def _keys_of_hashes(values: dict[str, Any]) -> Iterator[Problem]:
    steps = values.get("transform")
    for number, step in enumerate(steps if isinstance(steps, list) else []):
        if not isinstance(step, dict) or step.get("type") != "redact":
            continue
        at: KeyPath = ("transform", number)
        keys = [name for name in ("key_env", "key_file") if name in step]
        if step.get("mode") == "hash" and not keys:
            yield Problem((*at, "mode"), "needs key_env or key_file beside it: hashes are keyed")
        if step.get("mode", "mask") == "mask" and keys:
            yield Problem((*at, keys[0]), 'is for mode = "hash"; add that, or remove the key')
        if len(keys) > 1:
            yield Problem((*at, keys[1]), f"can't be set together with {keys[0]}; keep one of them")


def _exactly_one(section: KeyPath, around: dict[str, Any], first: str, second: str) -> Iterator[Problem]:
    table = around.get(str(section[-1]))
    if not isinstance(table, dict):
        return
    if first in table and second in table:
        yield Problem((*section, second), f"can't be set together with {first}; keep one of them")
    if first not in table and second not in table:
        yield Problem(section, f"needs {first} or {second}")


def _columns(values: dict[str, Any]) -> Iterator[Problem]:
    columns = _table(_table(values, "decode"), "columns")
    if not columns and "columns" in _table(values, "decode"):
        yield Problem(
            ("decode", "columns"), "no columns; declare at least one, or leave the section out to have them inferred"
        )
    for name in columns:
        if reserved(name):
            yield Problem(
                ("decode", "columns", name),
                f"reserved for Penstock's own columns ({', '.join(RESERVED_NAMES)}, {RESERVED_PREFIX}...); "
                'rename it, like my_name = { path = ["' + name + '"], type = "..." }',
            )


def _separate_tables(values: dict[str, Any]) -> Iterator[Problem]:
    """Two tables in one another's directory would read each other's files as their own."""
    derived = derive(values)
    sink, dead = (_table(derived, section).get("path") for section in ("sink", "dead_letter"))
    if not isinstance(sink, str) or not isinstance(dead, str) or path_mistake(sink) or path_mistake(dead):
        return
    sink, dead = (os.path.realpath(path) for path in (sink, dead))
    if os.path.commonpath([sink, dead]) in (sink, dead):
        relation = "the same directory as" if sink == dead else "nested with"
        yield Problem(("dead_letter", "path"), f"{relation} sink.path; every table needs a directory of its own")


def _table(values: dict[str, Any], key: str) -> dict[str, Any]:
    """The table at `key`; empty if it is missing or not a table, which the model says."""
    table = values.get(key)
    return table if isinstance(table, dict) else {}
