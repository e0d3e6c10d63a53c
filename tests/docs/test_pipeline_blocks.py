"""Pipeline files and parts of them that pages show are valid."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING

import pytest

from penstock.config import load
from penstock.errors import ConfigError
from tests.docs.page import blocks
from tests.docs.runner import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.docs.page import Block

PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
SHOWN = [
    pytest.param(block, id=f"{page.relative_to(ROOT)}:{block.first}")
    for page in sorted(PAGES)
    for block in blocks(page.read_text(encoding="utf-8"))
    if block.language == "toml" and block.not_run is None
]
MINIMAL = (ROOT / "examples" / "minimal.toml").read_text(encoding="utf-8")
_HEADER = re.compile(r"^\[\[?(?P<name>[^\[\]]+)\]\]?", re.MULTILINE)
_KEY = re.compile(r"^(?P<key>[\w-]+)\s*=")


def _whole(text: str) -> str:
    """`text` itself if it is a whole pipeline file; else the minimal one with what `text` says laid over it."""
    if {"pipeline", "source", "sink"} <= tomllib.loads(text).keys():
        return text
    sections = _sections(MINIMAL)
    for header, lines in _sections(text):
        keys = {match["key"] for line in lines if (match := _KEY.match(line))}
        under = next((own for other, own in sections if other == header and not header.startswith("[[")), None)
        if under is None:
            sections.append((header, lines))
        else:
            under[:] = [line for line in under if not ((match := _KEY.match(line)) and match["key"] in keys)] + lines
    return "\n".join("\n".join([header, *lines]) for header, lines in sections)


def _sections(text: str) -> list[tuple[str, list[str]]]:
    """Each header with the lines below it."""
    found: list[tuple[str, list[str]]] = []
    for line in text.splitlines():
        if match := _HEADER.match(line):
            found.append((match[0], []))
        elif found:
            found[-1][1].append(line)
    return found


def _load(text: str, folder: Path) -> None:
    file = folder / "pipeline.toml"
    file.write_text(_whole(text), encoding="utf-8")
    load(file, environment={})


@pytest.mark.parametrize("block", SHOWN)
def test_a_pipeline_on_a_page_loads(block: Block, tmp_path: Path) -> None:
    """Without any environment; a part of one stands in the minimal example. `<!-- not run: ... -->` exempts others."""
    _load(block.text, tmp_path)


def test_the_readme_shows_a_pipeline() -> None:
    """The test above would be silent without."""
    assert any("README.md" in str(shown.id) for shown in SHOWN)


def test_a_part_of_a_pipeline_is_checked_too(tmp_path: Path) -> None:
    """Values are replaced, sections added, mistakes found."""
    _load('[source]\ntopics = ["a", "b"]\non_gap = "record"\n[telemetry]\nlog = "json"\n', tmp_path)
    with pytest.raises(ConfigError, match="on_gpa"):
        _load('[source]\non_gpa = "record"\n', tmp_path)
