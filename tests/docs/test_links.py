"""Links between the files of the repository lead somewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.docs.page import anchors, links
from tests.docs.runner import ROOT

if TYPE_CHECKING:
    from pathlib import Path

INDEX = ROOT / "docs" / "README.md"
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _broken(page: Path, root: Path) -> list[str]:
    """Relative links of `page` to files or headings that do not exist, or not below `root`."""
    found = []
    for link in links(page.read_text(encoding="utf-8")):
        target, _, heading = link.partition("#")
        if "://" in target or target.startswith("mailto:"):
            continue
        file = (page.parent / target).resolve() if target else page
        if not file.exists() or not file.is_relative_to(root):
            found.append(f"{link}: there is no such file")
        elif heading and heading not in anchors(file.read_text(encoding="utf-8")):
            found.append(f"{link}: there is no such heading")
    return found


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_every_link_leads_to_a_file_or_heading(page: Path) -> None:
    """Also to the headings of other pages."""
    assert _broken(page, ROOT) == []


def test_every_page_is_in_the_index() -> None:
    """What is not linked from docs/README.md is not found."""
    linked = {(INDEX.parent / link.partition("#")[0]).resolve() for link in links(INDEX.read_text(encoding="utf-8"))}
    missing = [_name(page) for page in (ROOT / "docs").rglob("*.md") if page != INDEX and page not in linked]
    assert missing == []


def test_a_broken_link_is_noticed(tmp_path: Path) -> None:
    """Files and headings; not what only looks like a link."""
    page = tmp_path / "page.md"
    page.write_text(
        "# The `first` one, or not?\n[a](#the-first-one-or-not) [b](#second) [c](other.md) [d](page.md#nothing)\n"
        "[e](https://example.com/other.md) `[f](other.md)`\n```text\n# third\n[g](other.md)\n```\n[h](#third)\n"
    )
    assert _broken(page, tmp_path) == [
        "#second: there is no such heading",
        "other.md: there is no such file",
        "page.md#nothing: there is no such heading",
        "#third: there is no such heading",
    ]
