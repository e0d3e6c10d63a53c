"""Every line that a run can log is explained to whoever reads it at night."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import penstock
from tests.docs.runner import ROOT

LEVELS = {"info", "warning", "error", "critical"}
OPERATIONS = ROOT / "docs" / "operations.md"


def _logged(source: str) -> set[str]:
    """Texts of `log.warning("...")` and its like. One that is put together at run time can't be explained: refused."""
    found = set()
    for call in ast.walk(ast.parse(source)):
        match call:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="log"), attr=level), args=[text, *_]) if level in LEVELS:
                assert isinstance(text, ast.Constant), f"line {call.lineno}: {ast.unparse(text)}"
                found.add(str(text.value))
    return found


def test_the_table_explains_exactly_what_is_logged() -> None:
    """A new line gets a row under "Log lines" in docs/operations.md; one that went away loses it."""
    files = Path(penstock.__file__).parent.rglob("*.py")
    logged = set().union(*(_logged(file.read_text(encoding="utf-8")) for file in files))
    table = OPERATIONS.read_text(encoding="utf-8").partition("## Log lines")[2]
    explained = {line.split("`")[1] for line in table.splitlines() if line.startswith("| `")}
    assert len(logged) > 20
    assert (logged - explained, explained - logged) == (set(), set())


def test_the_search_sees_texts_and_refuses_what_is_put_together() -> None:
    """Otherwise the comparison would be silent."""
    assert _logged('log.warning("Too late.", seconds=3)\nlog.debug("x")\nother.warning("y")\n') == {"Too late."}
    with pytest.raises(AssertionError, match="line 1"):
        _logged('log.warning(f"{seconds} s too late.")\n')
