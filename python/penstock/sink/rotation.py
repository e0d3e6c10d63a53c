"""When an open file is cut: whatever comes first of its size, its rows and its age."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

CutReason = Literal["bytes", "rows", "age", "memory", "end"]
"""What ended a range: a limit of `Rotation`, or that memory is short, or that the assignment ends."""


class Size(Protocol):
    """How much a partition has open."""

    rows: int
    file_bytes: int


@dataclass(frozen=True, slots=True)
class Rotation:
    """`file_bytes` are bytes as they will be in the file, not of memory."""

    file_bytes: int
    rows: int | None
    age_seconds: float

    def due(self, size: Size, age_seconds: float) -> CutReason | None:
        """Why to cut now; None if there is no reason."""
        if size.file_bytes >= self.file_bytes:
            return "bytes"
        if self.rows is not None and size.rows >= self.rows:
            return "rows"
        return "age" if age_seconds >= self.age_seconds else None
