"""The decoder's options in Python: those of `[decode]` and `[decode.columns]`, with mistakes as Python says them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from penstock._native import Decoder
from penstock.config import Column, Decode
from penstock.config.decode import RESERVED_NAMES
from penstock.config.problem import dotted, from_pydantic
from penstock.config.show import show

if TYPE_CHECKING:
    from penstock._native import Inferred
    from penstock.decode.decoder import Columns

_SECTION = "decode"
_SCHEMA = "__arrow_c_schema__"


def read_options(columns: Columns | None, options: Mapping[str, object]) -> Decode:
    """The options, checked. `ValueError` names all that are wrong; `TypeError` if all are of another type."""
    declared = {} if columns is None else {"columns": _declared(columns)}
    try:
        return Decode.model_validate({**options, **declared})
    except ValidationError as error:
        details = error.errors(include_url=False)
    problems = [from_pydantic({**detail, "loc": (_SECTION, *detail["loc"])}) for detail in details]
    wrong = TypeError if all(problem.code == "wrong_type" for problem in problems) else ValueError
    raise wrong("\n".join(f"{dotted(problem.path[1:])}: {problem.message}" for problem in problems))


def with_inferred(options: Decode, inferred: Inferred) -> Decode:
    """`options` with these columns, none if there are none."""
    columns = {
        column.name: Column.model_validate({"path": column.path, "type": column.type}) for column in inferred.columns
    }
    return options.model_copy(update={"columns": columns})


def _declared(columns: Columns) -> dict[str, Any]:
    if hasattr(columns, _SCHEMA):
        found = Decoder.columns_of(columns)
        declared: dict[str, Any] = {
            name: {"path": [name], "type": kind, "required": required} for name, kind, required in found
        }
    elif isinstance(columns, Mapping):
        declared = {name: dict(column) if isinstance(column, Mapping) else column for name, column in columns.items()}
    else:
        kind = type(columns).__name__
        raise TypeError(
            f'columns is a {kind}; pass a dict of names and types, {{"tokens": "int64"}}, or an Arrow schema'
        )
    for name in declared:
        if not isinstance(name, str):
            raise TypeError(f"columns: {show(name)} is not a name; names are strings")
        if not name.strip():
            raise ValueError(f"columns: {show(name)} is not a name")
        if name.lower() in RESERVED_NAMES:
            raise ValueError(f"columns.{name}: is the decoder's own column; leave it out, residue=True adds it")
    if not declared:
        raise ValueError("columns is empty; declare at least one, or leave columns out to have them inferred")
    return declared
