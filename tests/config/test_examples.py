"""Every example is a valid pipeline file, and the events of the demo fit the one that is made for them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from penstock.config import load
from penstock.demo.events import COLUMNS

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.toml"))


def test_there_are_examples() -> None:
    """The next test would be silent without."""
    assert {"agent-events.toml", "files.toml", "minimal.toml"} <= {path.name for path in EXAMPLES}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_an_example_loads(path: Path) -> None:
    """As it is, without any environment."""
    assert load(path, environment={}).pipeline.name == path.stem


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_an_example_loads_with_its_commented_keys(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is commented out is valid too."""
    monkeypatch.setenv("KAFKA_PASSWORD", "x")
    (tmp_path / "ca.pem").write_text("-----BEGIN CERTIFICATE-----")
    text = re.sub(r"^# (\[|\w+ = )", r"\1", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    full = tmp_path / path.name
    full.write_text(text.replace("/etc/penstock/ca.pem", str(tmp_path / "ca.pem")), encoding="utf-8")
    load(full, environment={})


def test_the_demo_events_fit_the_agent_events_example() -> None:
    """Same columns, same places, same types."""
    (path,) = (path for path in EXAMPLES if path.name == "agent-events.toml")
    declared = load(path, environment={}).decode.columns
    found = {name: (".".join(column.path), str(column.type)) for name, column in declared.items()}
    expected = {
        name: (name, column) if isinstance(column, str) else (column["path"], column["type"])
        for name, column in COLUMNS.items()
    }
    assert found == expected
