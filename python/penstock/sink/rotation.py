"""When an open file is cut: whatever comes first of its size, its rows and its age."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


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

    def due(self, size: Size, age_seconds: float) -> bool:
        """Whether to cut now."""
        if size.file_bytes >= self.file_bytes or (self.rows is not None and size.rows >= self.rows):
            return True
        return age_seconds >= self.age_seconds
