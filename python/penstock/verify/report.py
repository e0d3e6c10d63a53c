"""What a check found."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class VerifyReport:
    """Totals of the main table's commits, and what is wrong.

    A finding means that something is lost, twice or not as it was written; it names the file and says what to do. A
    note is worth knowing and no fault: also what could not be checked.
    """

    partitions: int = 0
    files: int = 0
    records: int = 0
    rows: int = 0
    dead_letters: int = 0
    filtered: int = 0
    tombstones: int = 0
    findings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
