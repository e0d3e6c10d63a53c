"""What the page on operations explains is what the code says."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import penstock
from tests.docs.runner import ROOT

LEVELS = {"info", "warning", "error", "critical"}
OPERATIONS = ROOT / "docs" / "operations.md"
PACKAGE = Path(penstock.__file__).parent


def _logged(source: str) -> set[str]:
    """Texts of `log.warning("...")` and its like. One that is put together at run time can't be explained: refused."""
    found = set()
    for call in ast.walk(ast.parse(source)):
        match call:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="log"), attr=level), args=[text, *_]) if level in LEVELS:
                assert isinstance(text, ast.Constant), f"line {call.lineno}: {ast.unparse(text)}"
                found.add(str(text.value))
    return found


def _first_cells(heading: str) -> list[str]:
    """Of the table under `heading`, without its head."""
    section = OPERATIONS.read_text(encoding="utf-8").partition(f"{heading}\n")[2].partition("\n## ")[0]
    return [line.split("|")[1] for line in section.splitlines() if line.startswith("|")][2:]


def _quoted(cell: str) -> list[str]:
    return cell.split("`")[1::2]


def test_the_findings_explained_are_those_of_verify() -> None:
    """`...` stands for what differs from finding to finding."""
    files = [*PACKAGE.glob("verify/*.py"), *PACKAGE.glob("commit/*.py")]
    messages = " ".join(text for file in files for text in _texts(file.read_text(encoding="utf-8")))
    parts = {part.strip() for cell in _first_cells("## What `penstock verify` says") for part in _parts(cell)}
    assert len(parts) > 10
    assert {part for part in parts if part not in messages} == set()


def _texts(source: str) -> list[str]:
    nodes = ast.walk(ast.parse(source))
    return [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]


def _parts(cell: str) -> list[str]:
    return [part for text in _quoted(cell) for part in text.split("...") if part.strip()]


def test_the_table_explains_exactly_what_is_logged() -> None:
    """A new line gets a row under "Log lines" in docs/operations.md; one that went away loses it."""
    logged = set().union(*(_logged(file.read_text(encoding="utf-8")) for file in PACKAGE.rglob("*.py")))
    explained = {text for cell in _first_cells("## Log lines") for text in _quoted(cell)}
    assert len(logged) > 20
    assert (logged - explained, explained - logged) == (set(), set())


def test_the_search_sees_texts_and_refuses_what_is_put_together() -> None:
    """Otherwise the comparison would be silent."""
    assert _logged('log.warning("Too late.", seconds=3)\nlog.debug("x")\nother.warning("y")\n') == {"Too late."}
    with pytest.raises(AssertionError, match="line 1"):
        _logged('log.warning(f"{seconds} s too late.")\n')
