"""What is installed beside the package fits it: exit codes, times, commands, names of metrics."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

from penstock.commit.acknowledge import FLUSH_SECONDS
from penstock.config.listen import parse_address
from penstock.config.model import Telemetry
from penstock.daemon.run import EXIT_SECONDS
from penstock.errors import (
    ConfigError,
    DeadLetterLimitError,
    GaveUpError,
    InternalError,
    PositionError,
    UnavailableError,
    UsageError,
)
from penstock.source.kafka import STOP_SECONDS
from penstock.telemetry.metrics import Metrics
from tests.config.pipeline_text import load_text, pipeline_text

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
UNIT = DEPLOY / "penstock@.service"
PROGRAM = "/opt/penstock/bin/penstock"
STATE = "/var/lib/penstock"


def unit() -> dict[str, dict[str, list[str]]]:
    """Values by section and key; a key may come more than once."""
    sections: dict[str, dict[str, list[str]]] = {}
    for line in UNIT.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            section = sections.setdefault(line.strip("[]"), defaultdict(list))
        elif line and not line.startswith("#"):
            key, _, value = line.partition("=")
            section[key].append(value)
    return sections


def test_the_unit_restarts_what_starting_again_helps() -> None:
    """The exit codes are those of the package: an outage restarts, a mistake does not."""
    service = unit()["Service"]
    assert service["Restart"] == ["on-failure"]
    (prevented,) = service["RestartPreventExitStatus"]
    stay = {UsageError, DeadLetterLimitError, PositionError, ConfigError}
    assert {int(code) for code in prevented.split()} == {error.exit_code for error in stay}
    again = {UnavailableError, InternalError, GaveUpError}
    assert not {error.exit_code for error in again} & {error.exit_code for error in stay}
    assert unit()["Unit"]["StartLimitIntervalSec"] == ["0"]


def test_the_unit_waits_for_the_drain(tmp_path: Path) -> None:
    """SIGKILL comes later than whatever an ordinary stop may take."""
    (text,) = unit()["Service"]["TimeoutStopSec"]
    grace = load_text(tmp_path, pipeline_text({})).pipeline.shutdown_grace.total_seconds()
    assert int(text.removesuffix("s")) > grace + FLUSH_SECONDS + STOP_SECONDS + EXIT_SECONDS


def test_the_unit_runs_one_pipeline_file_and_looks_at_it_first() -> None:
    """What only warns stops nothing; `run` refuses a wrong file itself, with a code that is not tried again."""
    service = unit()["Service"]
    assert service["ExecStart"] == [f"{PROGRAM} run /etc/penstock/%i.toml"]
    assert service["ExecStartPre"] == [f"-{PROGRAM} lint /etc/penstock/%i.toml"]
    assert service["User"] == ["penstock"]
    assert service["WorkingDirectory"] == [STATE]
    assert service["ProtectSystem"] == ["strict"]
    assert service["NoNewPrivileges"] == ["yes"]


def test_systemd_understands_the_unit(tmp_path: Path) -> None:
    """Every key is known and every value means something."""
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        assert not os.environ.get("CI"), "systemd-analyze is not there"
        pytest.skip("systemd-analyze is not there.")
    here = tmp_path / "penstock@test.service"
    here.write_text(UNIT.read_text(encoding="utf-8").replace(PROGRAM, sys.executable))
    verified = subprocess.run(
        [analyze, "verify", "--man=no", str(here)], capture_output=True, text=True, check=False, timeout=60
    )
    complaints = [line for line in verified.stderr.splitlines() if "penstock" in line]
    assert (verified.returncode, complaints) == (0, [])


def instructions() -> list[tuple[str, str]]:
    """The Containerfile's instructions with their arguments."""
    text = re.sub(r"\\\n", " ", re.sub(r"(?m)^#.*\n", "", (DEPLOY / "Containerfile").read_text(encoding="utf-8")))
    found = [line.split(maxsplit=1) for line in text.splitlines() if line.strip()]
    return [(word, " ".join(rest.split())) for word, rest in found]


def test_the_container_is_the_process_and_not_root() -> None:
    """Exec form throughout, a user of its own, the signal that drains."""
    of = dict(instructions())
    assert of["USER"] == "10001:10001"
    assert of["STOPSIGNAL"] == "SIGTERM"
    assert of["ENTRYPOINT"] == '["penstock"]'
    assert of["CMD"] == '["run", "/etc/penstock/pipeline.toml"]'
    assert "CMD [" in of["HEALTHCHECK"]


def test_the_container_is_built_in_stages_with_the_pinned_toolchain() -> None:
    """The compiler is not in what runs."""
    build, last = [rest for word, rest in instructions() if word == "FROM"]
    channel = re.search(r'channel = "(.+)"', (ROOT / "rust-toolchain.toml").read_text(encoding="utf-8"))
    assert channel
    assert build.startswith(f"rust:{channel[1]}-")
    assert last.startswith("python:")
    copied = [part for word, rest in instructions() if word == "COPY" for part in shlex.split(rest)[:-1]]
    assert [part for part in copied if not (ROOT / part).exists()] == []


def test_the_containers_health_check_asks_where_it_listens() -> None:
    """The address is one that the pipeline file could say, and open to the container's outside."""
    of = dict(instructions())
    environment = dict(pair.split("=", 1) for pair in shlex.split(of["ENV"]))
    address = parse_address(environment["PENSTOCK__TELEMETRY__LISTEN"])
    assert address.host == "0.0.0.0"  # noqa: S104 - in a container it must be reached from outside
    assert of["EXPOSE"] == str(address.port)
    assert f"http://127.0.0.1:{address.port}/healthz" in of["HEALTHCHECK"]
    keys = {name.removeprefix("PENSTOCK__TELEMETRY__").lower() for name in environment}
    assert keys <= set(Telemetry.model_fields)


def test_alerts_name_metrics_and_labels_that_exist() -> None:
    """An alert on a metric that was renamed would never fire."""
    text = (DEPLOY / "alerts.yml").read_text(encoding="utf-8")
    defined = {definition.name: definition.labels for definition in Metrics().definitions}
    named = re.findall(r"\b(penstock_[a-z_]+)\{([a-z]+)=", text)
    assert set(re.findall(r"\bpenstock_[a-z_]+", text)) <= set(defined)
    assert {label for _, label in named} == {"stage", "code"}
    assert [name for name, label in named if label not in defined[name]] == []


def test_every_alert_says_how_bad_it_is_and_what_happens() -> None:
    """Each has an expression, a severity and a summary."""
    text = (DEPLOY / "alerts.yml").read_text(encoding="utf-8")
    alerts = text.split("- alert: ")[1:]
    assert len(alerts) == len({alert.split()[0] for alert in alerts}) > 10
    for alert in alerts:
        assert re.search(r"(?m)^ +expr: ", alert), alert
        assert re.search(r"severity: (page|ticket) ", alert), alert
        assert re.search(r'(?m)^ +summary: "\{\{ \$labels\.instance \}\}', alert), alert
