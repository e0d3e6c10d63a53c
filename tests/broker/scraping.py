"""Asking a daemon how it is, over HTTP."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

from prometheus_client.parser import text_string_to_metric_families

from tests.broker.process import wait_until

if TYPE_CHECKING:
    from tests.broker.daemon import Daemon

TELEMETRY = {"listen": "127.0.0.1:0"}


class Telemetry:
    """Of a daemon that was started with `TELEMETRY`."""

    def __init__(self, daemon: Daemon) -> None:
        """Wait until it listens."""
        self._daemon = daemon
        daemon.wait_logged("Metrics and health are served.")
        found = re.search(r"http://(127\.0\.0\.1:\d+)", daemon.stderr)
        assert found
        self.address = found[1]

    def get(self, path: str) -> tuple[int, str]:
        """Status and body."""
        try:
            with urllib.request.urlopen(f"http://{self.address}{path}", timeout=30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, refused.read().decode()

    def health(self, path: str) -> tuple[int, dict[str, Any]]:
        """Status and JSON of a probe."""
        status, body = self.get(path)
        return status, json.loads(body)

    def wait_ready(self, *, ready: bool = True, seconds: float = 60) -> str:
        """Return when `/readyz` says so; the reason it gives."""
        wanted = 200 if ready else 503
        self._daemon.wait_for(lambda: self.get("/readyz")[0] == wanted, f"/readyz says {wanted}", seconds)
        return str(self.health("/readyz")[1].get("reason", ""))

    def total(self, name: str, **labels: str) -> float:
        """A sample's sum over the labels that are not given."""
        families = text_string_to_metric_families(self.get("/metrics")[1])
        found = [s.value for f in families for s in f.samples if s.name == name and labels.items() <= s.labels.items()]
        assert found, name
        return sum(found)

    def wait_total(self, value: float, name: str, **labels: str) -> None:
        """Return when the sum is `value`."""
        what = lambda: f"{name}{labels} is {value}, not {self.total(name, **labels)}"  # noqa: E731
        wait_until(lambda: self.total(name, **labels) == value, seconds=30, what=what)

    def wait_more(self, value: float, name: str, **labels: str) -> None:
        """Return when the sum is more than `value`."""
        self._daemon.wait_for(lambda: self.total(name, **labels) > value, f"{name}{labels} is more than {value}")
