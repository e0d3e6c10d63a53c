"""`[[transform]]`: the steps between decoding and the sink. What they mean is checked by the core (`steps.py`)."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from penstock.config.column_type import ColumnTypeField
from penstock.config.secret import KeyFile, KeyVariable, read_secret
from penstock.config.section import Section, Text

Names = Annotated[tuple[Text, ...], Field(strict=False)]


class Filter(Section):
    """Keeps the rows for which a SQL condition is true."""

    type: Literal["filter"]
    where: Text

    def plan(self) -> dict[str, Any]:
        """The step as the core reads it, without secrets."""
        return self.model_dump()

    def engine(self) -> dict[str, Any]:
        """The step as the core reads it."""
        return self.plan()


class Select(Section):
    """Keeps or drops columns, gives them other names and types."""

    type: Literal["select"]
    keep: Names | None = None
    drop: Names | None = None
    rename: dict[Text, Text] = Field(default_factory=dict)
    cast: dict[Text, ColumnTypeField] = Field(default_factory=dict)

    def plan(self) -> dict[str, Any]:
        """The step as the core reads it, without secrets."""
        return {**self.model_dump(), "cast": {name: str(kind) for name, kind in self.cast.items()}}

    def engine(self) -> dict[str, Any]:
        """The step as the core reads it."""
        return self.plan()


class Pattern(Section):
    """What to look for: a built-in pattern by its name, or one of one's own."""

    name: Text
    regex: Text | None = None

    @model_validator(mode="before")
    @classmethod
    def _spell_out(cls, value: object) -> object:
        """`"email"` in full."""
        return {"name": value} if isinstance(value, str) else value


class Redact(Section):
    """Takes out of texts what must not be in the table. Holds where the key is, never the key."""

    type: Literal["redact"]
    columns: Names | None = None
    patterns: Annotated[tuple[Pattern, ...], Field(strict=False)] | None = None
    whole: bool = False
    mode: Literal["mask", "hash"] = "mask"
    key_env: KeyVariable | None = None
    key_file: KeyFile | None = None

    def plan(self) -> dict[str, Any]:
        """The step as the core reads it, without the key: no record's verdict depends on it."""
        patterns = self.patterns and [
            pattern.name if pattern.regex is None else pattern.model_dump() for pattern in self.patterns
        ]
        step = self.model_dump(include={"type", "columns", "whole", "mode"})
        return {**step, "patterns": patterns}

    def engine(self) -> dict[str, Any]:
        """The step as the core reads it. Has the key in it, if there is one: never log it."""
        return {**self.plan(), "key": self._read_key()}

    def _read_key(self) -> str | None:
        """The key in hexadecimal digits, read now."""
        if self.key_env is None and self.key_file is None:
            return None
        return read_secret(self.key_env, self.key_file).encode().hex()


Step = Annotated[Filter | Select | Redact, Field(discriminator="type")]
STEPS: dict[str, type[Section]] = {"filter": Filter, "select": Select, "redact": Redact}
