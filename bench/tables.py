"""Tables, for a terminal and for Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """For a terminal: the first column to the left, numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.rjust(width) if number else cell.ljust(width) for number, (cell, width) in enumerate(pairs))
        for pairs in (tuple(zip(row, widths, strict=True)) for row in rows)
    )


def markdown(rows: Sequence[Sequence[str]]) -> str:
    """The same in Markdown; the first row has the headings."""
    headings, *others = ("| " + " | ".join(cells) + " |" for cells in rows)
    return "\n".join([headings, "|---" + "|---:" * (len(rows[0]) - 1) + "|", *others])
