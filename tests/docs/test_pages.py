"""What the pages say is printed is what is printed: every block is run, on tables the real pipeline writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.docs.page import blocks, output_of
from tests.docs.runner import ROOT, PageFailedError, Runner, runnable

if TYPE_CHECKING:
    from pathlib import Path

PAGES = {ROOT / "docs" / "reading.md": 2, ROOT / "docs" / "operations.md": 1, ROOT / "docs" / "decoder.md": 1}
"""Pages that are run, and how many partitions the topics have there."""

RUN_WITHOUT_OUTPUT = {"sh"}
"""Languages whose output may be left out; a query without its result tells nothing."""


@pytest.mark.timeout(600)  # tens of processes, one after the other
@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_the_outputs_on_a_page_are_what_its_blocks_print(path: Path, tmp_path: Path) -> None:
    """`python -m tests.docs.write` rewrites them."""
    page = path.read_text(encoding="utf-8")
    with Runner(tmp_path, PAGES[path]) as runner:
        assert runner.render(page) == page


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_every_query_shows_its_result(path: Path) -> None:
    """Otherwise nothing of it would be compared."""
    page = path.read_text(encoding="utf-8")
    shown = [block for block in runnable(page) if output_of(block, page) is not None]
    assert len(shown) >= 5
    assert {block.language for block in runnable(page) if block not in shown} <= RUN_WITHOUT_OUTPUT


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_a_block_has_a_language_that_is_known(path: Path) -> None:
    """What is spelt otherwise would silently not be run."""
    languages = {block.language for block in blocks(path.read_text(encoding="utf-8"))}
    assert languages <= {"sh", "sql", "python", "text", "toml", "ini", "yaml"}


def test_a_wrong_output_and_a_failing_block_are_noticed(tmp_path: Path) -> None:
    """The comparison can fail."""
    page = "```sql\nSELECT 1 AS one\n```\n\n```text\n2\n```\n"
    with Runner(tmp_path, 1) as runner:
        assert "│     1 │" in runner.render(page)
        with pytest.raises(PageFailedError, match="exit code 3"):
            runner.render("```sh\nexit 3\n```\n")
        assert runner.render("<!-- not run: it fails -->\n```sh\nexit 3\n```\n").endswith("exit 3\n```\n")
