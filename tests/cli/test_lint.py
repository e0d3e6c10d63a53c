"""`penstock lint` as its users meet it. What it finds is in `tests/lint`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.cli.program import modules_of, penstock
from tests.config.pipeline_text import SECTIONS, pipeline_text

if TYPE_CHECKING:
    from pathlib import Path

HEAVY = {
    "prometheus_client",
    "pyarrow",
    "aiokafka",
    "rich",
    "asyncio",
    "confluent_kafka",
    "orjson",
    "penstock.pipeline",
}
KEYS = "Keys of [sink]: type, path, cut, kafka_columns"
DOUBTFUL = {"pipeline": SECTIONS["pipeline"] + '\nshutdown_grace = "5m"', "sink": 'path = "a"\npaht = "b"'}


def test_it_is_quiet_when_all_is_well(tmp_path: Path) -> None:
    """For scripts and hooks."""
    (tmp_path / "a.toml").write_text(pipeline_text({}))
    done = penstock("lint", "a.toml", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_findings_are_lines_that_editors_can_jump_to(tmp_path: Path) -> None:
    """A hint stands below its finding."""
    (tmp_path / "a.toml").write_text(pipeline_text(DOUBTFUL))
    done = penstock("lint", "a.toml", "nothing.toml", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        (
            "a.toml:3:1: warning [long_shutdown_grace]: pipeline.shutdown_grace: 5m is longer than systemd (90s) and "
            "Kubernetes (30s) wait by default"
        ),
        "    hint: set TimeoutStopSec or terminationGracePeriodSeconds higher than it, or lower it",
        'a.toml:14:1: error [unknown_key]: sink.paht: unknown key; did you mean "path"? ' + KEYS,
        "nothing.toml: error [unreadable_file]: no such file; give the path of a pipeline file",
    ]


def test_findings_are_one_object(tmp_path: Path) -> None:
    """For programs; what came from outside the file has no line."""
    (tmp_path / "a.toml").write_text(pipeline_text(DOUBTFUL))
    environment = {"PENSTOCK__SINK__CUT__AGE": "1s"}
    done = penstock("lint", "a.toml", "--output", "json", cwd=tmp_path, environment=environment)
    assert done.returncode == 1
    found = json.loads(done.stdout)
    assert found["files"] == ["a.toml"]
    assert [(f["line"], f["column"], f["origin"], f["severity"], f["code"], f["key"]) for f in found["findings"]] == [
        (None, None, "PENSTOCK__SINK__CUT__AGE", "warning", "small_files", "sink.cut.age"),
        (3, 1, None, "warning", "long_shutdown_grace", "pipeline.shutdown_grace"),
        (14, 1, None, "error", "unknown_key", "sink.paht"),
    ]
    assert all(f["file"] == "a.toml" and f["message"] for f in found["findings"])
    flagged = penstock("lint", "a.toml", "--output", "json", "--set", "x=1", cwd=tmp_path)
    assert json.loads(flagged.stdout)["findings"][0]["origin"] == "--set"


def test_a_mistake_outside_the_files_is_told_once(tmp_path: Path) -> None:
    """However many files it is laid over."""
    for name in ("a", "b"):
        (tmp_path / f"{name}.toml").write_text(pipeline_text({"sink": f'path = "{name}"'}))
    done = penstock("lint", "a.toml", "b.toml", "--set", "sink.cut.age=1s", cwd=tmp_path)
    assert done.returncode == 1
    assert len(done.stdout.splitlines()) == 1


def test_it_needs_a_file(tmp_path: Path) -> None:
    """Checking nothing is not a success."""
    assert penstock("lint", cwd=tmp_path).returncode == 2


def test_it_imports_nothing_heavy(tmp_path: Path) -> None:
    """An editor runs it at every save."""
    (tmp_path / "a.toml").write_text(pipeline_text({}))
    imported = modules_of("lint", "a.toml", cwd=tmp_path)
    assert "penstock.lint.lint" in imported
    assert imported & HEAVY == set()
