"""What the core says of the transforms of a valid configuration, as problems at the keys of the file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from penstock import _native
from penstock.config.problem import KeyPath, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from penstock.config.model import Config

NAMED_BY_USERS = ("cast", "rename")


def check(config: Config) -> Iterator[Problem]:
    """A problem for every mistake in a condition, a name, a pattern or a type; none while columns are not known."""
    if not config.transform or not config.decode.columns:
        return
    try:
        found = json.loads(_native.check_transforms(config.engine_json()))
    except _native.NativeError as error:
        yield Problem(("transform",), f"can't be checked: {error}")
        return
    for mistake in found:
        yield Problem(("transform", mistake["step"], *_key(mistake["key"])), _message(mistake))


def _key(key: str) -> KeyPath:
    """`patterns.1.regex` as a path; what stands below `cast` is a column's name, dots and all."""
    head, _, rest = key.partition(".")
    if head in NAMED_BY_USERS:
        return (head, rest) if rest else (head,)
    return tuple(int(part) if part.isdecimal() else part for part in key.split("."))


def _message(mistake: dict[str, str | int | None]) -> str:
    """With the place in the condition, if it has one."""
    if mistake["column"] is None:
        return str(mistake["message"])
    line = f"line {mistake['line']}, " if mistake["line"] != 1 else ""
    return f"{line}column {mistake['column']}: {mistake['message']}"
