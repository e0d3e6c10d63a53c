"""Ready or not, and why; and the line a minute that says so."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from penstock.batch import Counts, Cut, Partition, Range
from penstock.commit.protocol import Phase
from penstock.errors import PositionError
from penstock.health import SILENT_SECONDS, Health
from penstock.patience import GIVE_UP_SECONDS, Patience
from penstock.telemetry.heartbeat import Heartbeat
from penstock.telemetry.metrics import Metrics
from tests.captured_log import capture_logs

EVENTS = Partition("cluster", "events", "id", 0)


def stand_in(**values: Any) -> Any:
    """For a part of which only this is looked at."""
    return SimpleNamespace(**values)


def delivery(phase: Phase = Phase.RUNNING, failing: str | None = None) -> Any:
    return stand_in(
        partition=EVENTS,
        assignment=stand_in(phase=phase),
        failing=failing,
        sealed_bytes=100,
        uncommitted_seconds=lambda _now: 7.0,
    )


class Parts:
    """A pipeline and its neighbours, in order and idle."""

    def __init__(self) -> None:
        self.metrics = Metrics()
        self.pipeline = stand_in(
            stopping=False,
            fault=None,
            faults={},
            deliveries=[delivery()],
            metrics=self.metrics,
            engine=stand_in(memory=lambda: 1000, open_files=lambda: ["a", "b"]),
            now=lambda: 0.0,
        )
        self.waiting = 0.0
        self.source = stand_in(
            waiting_seconds=lambda: self.waiting,
            silent_seconds=1.0,
            settled=True,
            finite=False,
            paused={EVENTS},
            lag=lambda: {EVENTS: 5},
            held_bytes=10_000,
        )
        self.health = Health(self.pipeline, self.source)


def test_assigned_and_committing_is_ready() -> None:
    """Also a member for which there are no partitions."""
    parts = Parts()
    assert parts.health.not_ready() is None
    parts.pipeline.deliveries.clear()
    assert parts.health.not_ready() is None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda p: setattr(p.pipeline, "stopping", True), "It is stopping"),
        (lambda p: p.pipeline.faults.update({EVENTS: PositionError("gone")}), "events-0 is stopped: gone"),
        (lambda p: setattr(p.pipeline, "fault", PositionError("a topic is gone")), "after a fault, which it will exit"),
        (lambda p: setattr(p, "waiting", 12.3), "The consumer group has given no partitions for 12 s."),
        (lambda p: setattr(p.source, "settled", False), "are looked up"),
        (
            lambda p: setattr(p.pipeline, "deliveries", [delivery(failing="no space left")]),
            "events-0 is not committed: no space left",
        ),
        (
            lambda p: setattr(p.pipeline, "deliveries", [delivery(Phase.REFRESHING)]),
            "events-0: its position is looked for.",
        ),
        (
            lambda p: setattr(p.source, "silent_seconds", SILENT_SECONDS + 2),
            "Kafka has answered no fetch for 17 s.",
        ),
    ],
)
def test_whatever_holds_records_up_is_the_reason(change: Any, reason: str) -> None:
    """In words that name the partition."""
    parts = Parts()
    change(parts)
    assert reason in (parts.health.not_ready() or "")


def test_gauges_are_those_of_this_moment() -> None:
    """Set when somebody looks."""
    parts = Parts()
    parts.health.observe()
    total = parts.metrics.total
    assert total("penstock_memory_bytes") == 11_100
    assert total("penstock_open_files") == 2
    assert total("penstock_lag_records", topic="events", partition="0") == 5
    assert total("penstock_uncommitted_age_seconds") == 7
    assert total("penstock_paused") == 1


async def test_patience_remembers_what_it_waits_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Until it works."""
    monkeypatch.setattr("penstock.patience.FIRST_SECONDS", 0)
    patience = Patience("The sink", GIVE_UP_SECONDS)
    await patience.wait("no space left")
    assert patience.failing == "no space left"
    patience.reset()
    assert patience.failing is None


class Observed:
    """As a job."""

    reason: str | None = None

    def observe(self) -> None:
        """Nothing to set."""

    def not_ready(self) -> str | None:
        return self.reason


def test_a_heartbeat_tells_what_changed_since_the_last_one() -> None:
    """Rates and commits of the minute, states of the moment; why it is not ready, as a warning."""
    metrics, observed = Metrics(), Observed()
    heart = Heartbeat(observed, metrics)
    for _ in range(2):
        metrics.committed(Cut(EVENTS, 1, Range(0, 1), "id", "plan", Counts(1, 1)), 10)
    metrics.observe_lag({EVENTS: 5})
    with capture_logs() as lines:
        heart.beat()
        observed.reason = "The sink fails."
        heart.beat()
    first, second = lines
    assert (first["event"], first["log_level"], first["commits"], first["lag_records"]) == ("Running.", "info", 2, 5)
    assert first["resident_bytes"] > 0
    assert first["open_descriptors"] > 0
    assert (second["event"], second["log_level"]) == ("Running, but not ready.", "warning")
    assert (second["commits"], second["reason"]) == (0, "The sink fails.")
