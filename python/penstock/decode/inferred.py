"""Columns inferred from records, for whoever declares columns."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from penstock import _native
from penstock.config.write import toml_column, toml_key
from penstock.decode.options import read_options

if TYPE_CHECKING:
    import pyarrow as pa

    from penstock._native import InferredColumn, Rejection
    from penstock.decode.decoder import Data


@dataclass(frozen=True, slots=True)
class Inferred:
    """What records say about columns."""

    columns: tuple[InferredColumn, ...]
    """Each has a `name`, `path`, `type` and `reason`. In the order of the first sight of their keys; at most 1000."""
    records: int
    """How many records they are inferred from."""
    rejections: list[Rejection]
    """Of those looked at, the ones that are no records."""

    def to_columns(self) -> dict[str, dict[str, Any]]:
        """As `Decoder` takes them: `{"usage_tokens": {"path": ["usage", "tokens"], "type": "int64"}}`."""
        return {column.name: {"path": list(column.path), "type": column.type} for column in self.columns}

    def to_arrow(self) -> pa.Schema:
        """As an Arrow schema, text as `utf8`. It has no paths, and `json` is text there: `to_columns` says more."""
        import pyarrow as pa  # noqa: PLC0415 - Takes longer to import than all else here.

        columns = [{"name": name, **column} for name, column in self.to_columns().items()]
        config = {"columns": columns, "decode": {"residue": False}}
        return pa.schema(_native.Decoder(json.dumps(config), "utf8"))

    def to_toml(self) -> str:
        """As the section `[decode.columns]` of a pipeline file."""
        lines = (f"{toml_key(c.name)} = {toml_column(c.name, c.path, c.type)}" for c in self.columns)
        return "\n".join(["[decode.columns]", *lines, ""])


def infer_schema(
    data: Data,
    *,
    invalid_text: Literal["reject", "replace"] = "reject",
    max_depth: int = 128,
    max_bytes: int | str = "16MiB",
    infer_records: int = 10_000,
) -> Inferred:
    """Columns for records like the first `infer_records` of `data`, in which every value of them fits unchanged.

    `data` and the options are as for `Decoder`. The same records give the same columns. Objects become columns of
    their members, arrays lists, objects of more than 64 different keys maps; what agrees with no type, or is always
    null, is `json`.

    >>> infer_schema(b'{"at": "2026-05-04T14:00:00Z", "usage": {"tokens": 7}}').to_columns()["usage_tokens"]
    {'path': ['usage', 'tokens'], 'type': 'int64'}
    """
    options = read_options(
        None,
        {
            "invalid_text": invalid_text,
            "max_depth": max_depth,
            "max_bytes": max_bytes,
            "infer_records": infer_records,
        },
    )
    found = _native.infer_schema(data, json.dumps(options.rules()), options.infer_records)
    return Inferred(tuple(found.columns), found.records, found.rejections)
