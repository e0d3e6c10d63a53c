"""What the tests see of a Markdown page: fenced blocks, headings, links."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

FENCE = "```"
_NOT_RUN = re.compile(r"<!-- not run: (?P<reason>.+) -->")
_LINK = re.compile(r"(?<!!)\[[^\]]+\]\((?P<target>[^)\s]+)\)")
_HEADING = re.compile(r"#{1,6} +(?P<text>.+?) *")
_CODE = re.compile(r"`[^`]*`")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block. `first` and `end` are the indices of its first line inside and of its closing fence."""

    language: str
    text: str
    first: int
    end: int
    not_run: str | None
    """Why it is not run: from the comment right above it."""


def blocks(page: str) -> list[Block]:
    """All fenced blocks, in order."""
    lines = page.splitlines()
    found: list[Block] = []
    opened: int | None = None
    for index, line in enumerate(lines):
        if not line.startswith(FENCE):
            continue
        if opened is None:
            opened = index
            continue
        reason = _NOT_RUN.fullmatch(lines[opened - 1]) if opened else None
        text = "\n".join(lines[opened + 1 : index])
        language = lines[opened].removeprefix(FENCE).strip()
        found.append(Block(language, text, opened + 1, index, reason["reason"] if reason else None))
        opened = None
    assert opened is None, f"the block that begins in line {opened} has no end"
    return found


def output_of(block: Block, page: str) -> Block | None:
    """The `text` block below `block`, with nothing but empty lines between, which shows what it prints."""
    lines = page.splitlines()
    following = next((index for index in range(block.end + 1, len(lines)) if lines[index]), None)
    return next((other for other in blocks(page) if other.language == "text" and other.first - 1 == following), None)


def prose(page: str) -> Iterator[str]:
    """Lines outside of fenced blocks."""
    inside = False
    for line in page.splitlines():
        if line.startswith(FENCE):
            inside = not inside
        elif not inside:
            yield line


def anchors(page: str) -> set[str]:
    """What `#...` can point to: headings as GitHub names them."""
    found: set[str] = set()
    for line in prose(page):
        if match := _HEADING.fullmatch(line):
            text = re.sub(r"[^\w\- ]", "", match["text"].lower())
            found.add(text.replace(" ", "-"))
    return found


def links(page: str) -> list[str]:
    """Targets of links, in order; not those inside of code."""
    return [match["target"] for line in prose(page) for match in _LINK.finditer(_CODE.sub("", line))]
