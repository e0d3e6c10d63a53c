"""Pipeline files for tests: a valid one, and the same with changes whose place is marked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from penstock.config import load

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from penstock.config import Config

MARK = "§"
SECTIONS = {
    "pipeline": 'name = "agent-events"',
    "source": 'brokers = ["localhost:9092"]\ntopics = ["agent-events"]',
    "decode.columns": 'event_id = "string"',
    "sink": 'path = "events"',
}


def pipeline_text(changes: Mapping[str, str | None]) -> str:
    """The valid file; a change replaces a section's keys, `None` removes the section, a new name adds one."""
    sections = {**SECTIONS, **changes}
    return "\n".join(f"[{name}]\n{keys}\n" for name, keys in sections.items() if keys is not None)


def write(directory: Path, text: str) -> tuple[Path, str]:
    """Write the text without its mark; the path, and `:line:column` of the mark."""
    before, mark, _ = text.partition(MARK)
    path = directory / "pipeline.toml"
    path.write_text(text.replace(MARK, ""), encoding="utf-8")
    column = len(before) - before.rfind("\n")
    return path, f":{before.count(chr(10)) + 1}:{column}" if mark else ""


def load_text(
    directory: Path, text: str, flags: tuple[str, ...] = (), environment: Mapping[str, str] | None = None
) -> Config:
    """Load the text as a file, with nothing of the real environment."""
    return load(write(directory, text)[0], flags, environment or {})
