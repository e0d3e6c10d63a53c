"""Something that is said about a pipeline file, and where."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a file, or what lies over it: an environment variable or a flag (`origin`). Counted from 1."""

    file: str
    line: int | None = None
    column: int | None = None
    origin: str | None = None

    def __str__(self) -> str:
        """`pipeline.toml:12:5`, as far as it is known, or the origin."""
        return self.origin or ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding. `code` is stable; `key` is dotted, empty where no key is to blame."""

    place: Place
    code: str
    key: str
    message: str
    hint: str | None = None

    @property
    def text(self) -> str:
        """What is wrong with which key."""
        return f"{self.key}: {self.message}" if self.key else self.message

    def __str__(self) -> str:
        """Place, key and message on one line."""
        return f"{self.place}: {self.text}"
