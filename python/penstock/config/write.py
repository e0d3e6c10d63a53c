"""Values as TOML writes them."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_BARE = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)


def toml_string(value: str) -> str:
    """A basic string: JSON's escapes are a subset of TOML's, but for DEL."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def toml_list(values: Iterable[str]) -> str:
    """A list of strings on one line."""
    return "[" + ", ".join(map(toml_string, values)) + "]"


def toml_table(fields: Mapping[str, str]) -> str:
    """An inline table of values that are TOML already; keys are ours."""
    return "{ " + ", ".join(f"{key} = {value}" for key, value in fields.items()) + " }"


def toml_column(name: str, path: Sequence[str], kind: str) -> str:
    """A declared column: its type, or a table if its value is not at the key that it is named for."""
    if list(path) == [name]:
        return toml_string(kind)
    dotted = any("." in key for key in path)
    where = toml_list(path) if dotted else toml_string(".".join(path))
    return toml_table({"path": where, "type": toml_string(kind)})


def toml_key(key: str) -> str:
    """Bare where that is allowed."""
    return key if _BARE.fullmatch(key) else toml_string(key)
