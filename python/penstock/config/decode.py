"""`[decode]` and `[decode.columns]`."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator

from penstock.config.column_type import ColumnTypeField
from penstock.config.section import Section, Text
from penstock.config.show import show
from penstock.config.units import Size

RESERVED_NAMES = ("_residue",)
RESERVED_PREFIX = "kafka_"


def _split_path(value: object) -> object:
    """A path in one string is split at its dots."""
    segments = value.split(".") if isinstance(value, str) else value
    if isinstance(segments, list | tuple) and (not segments or "" in segments):
        raise ValueError(
            f'{show(value)} is not a path: a key in it is empty; write "usage.total_tokens" or ["key.with.dots", "b"]'
        )
    return segments


class Column(Section):
    """One column: where its value is in the record, and its type."""

    path: Annotated[tuple[str, ...], Field(strict=False), BeforeValidator(_split_path)]
    type: ColumnTypeField
    required: bool = False


class Decode(Section):
    """How a record becomes a row."""

    format: Literal["json"] = "json"
    infer_records: Annotated[int, Field(ge=1)] = 10_000
    """How many of the first records columns are inferred from, if none are declared."""
    coerce: bool = False
    """Take values of another kind where they say exactly what the column wants, never rounded or guessed: strings that
    are one JSON number (int64, float64, decimal, timestamp in its unit) or true or false (bool), whole numbers written
    like 12.0 or 12e3 (int64, timestamp), numbers and bools as written (string)."""
    invalid_text: Literal["reject", "replace"] = "reject"
    max_depth: Annotated[int, Field(ge=1, le=1024)] = 128
    max_bytes: Size = 16 * 2**20
    residue: bool = True
    columns: dict[Text, Column] = Field(default_factory=dict)
    """Empty: to be inferred from the first records (`penstock.decode.schema`)."""

    @field_validator("columns", mode="before")
    @classmethod
    def _spell_out(cls, value: object) -> object:
        """`name = "type"` and a missing path in full."""
        if not isinstance(value, dict):
            return value
        return {name: {"path": [name], **_as_table(column)} for name, column in value.items()}

    def rules(self) -> dict[str, Any]:
        """What the core is told beside the columns."""
        return self.model_dump(include={"invalid_text", "max_depth", "max_bytes", "residue", "coerce"})

    def plan(self) -> dict[str, Any]:
        """What the core is told: the columns in their order, and the rules."""
        columns = [
            {"name": name, "path": list(column.path), "type": str(column.type), "required": column.required}
            for name, column in self.columns.items()
        ]
        return {"columns": columns, "decode": self.rules()}


def _as_table(column: object) -> dict[str, Any]:
    return column if isinstance(column, dict) else {"type": column}


def reserved(name: str) -> bool:
    """Whether the sink itself writes, or may come to write, a column of this name."""
    return name.lower() in RESERVED_NAMES or name.lower().startswith(RESERVED_PREFIX)
