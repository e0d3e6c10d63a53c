"""Whether a run does what it should, how far behind it is and how full: for probes, metrics and the heartbeat."""

from __future__ import annotations

from typing import TYPE_CHECKING

from penstock.commit.protocol import Phase

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from penstock._native import Engine
    from penstock.delivery import Delivery
    from penstock.pipeline import Pipeline
    from penstock.source.source import Source

SILENT_SECONDS = 15.0
"""A broker answers the fetches of an idle topic too, within a second."""


def held_bytes(source: Source, engine: Engine, deliveries: Iterable[Delivery]) -> int:
    """What fetched frames, the core, and sealed files hold in memory."""
    return source.held_bytes + engine.memory() + sum(delivery.sealed_bytes for delivery in deliveries)


class Health:
    """Looks at a running pipeline from outside. Called on the event loop; never waits."""

    def __init__(self, pipeline: Pipeline, source: Source) -> None:
        self._pipeline = pipeline
        self._source = source

    def not_ready(self) -> str | None:
        """Why records may not get through now, in a sentence; None if they do, or if there are none for us."""
        return next(self._reasons(), None)

    def _reasons(self) -> Iterator[str]:
        pipeline, waiting, silent = self._pipeline, self._source.waiting_seconds(), self._source.silent_seconds
        if pipeline.stopping:
            yield "It is stopping: what is open is committed."
        for partition, fault in pipeline.faults.items():
            yield f"{partition} is stopped: {fault}"
        if pipeline.fault is not None:
            yield f"It goes on after a fault, which it will exit with: {pipeline.fault}"
        if waiting:
            yield f"The consumer group has given no partitions for {waiting:.0f} s."
        if not self._source.settled and not self._source.finite:  # files wait for their turn
            yield "The partitions that the group gave are looked up."
        for delivery in pipeline.deliveries:
            if delivery.failing is not None:
                yield f"{delivery.partition} is not committed: {delivery.failing}"
            if delivery.assignment.phase is not Phase.RUNNING:
                yield f"{delivery.partition}: its position is looked for."
        if silent > SILENT_SECONDS:
            yield f"Kafka has answered no fetch for {silent:.0f} s."

    def observe(self) -> None:
        """Set the gauges."""
        pipeline, metrics, now = self._pipeline, self._pipeline.metrics, self._pipeline.now()
        deliveries = list(pipeline.deliveries)
        metrics.observe_lag(self._source.lag())
        metrics.paused.set(len(self._source.paused))
        metrics.group_waiting_seconds.set(self._source.waiting_seconds())
        metrics.assigned_partitions.set(len(deliveries))
        metrics.stopped_partitions.set(len(pipeline.faults))
        metrics.memory_bytes.set(held_bytes(self._source, pipeline.engine, deliveries))
        metrics.open_files.set(len(pipeline.engine.open_files()))
        metrics.uncommitted_age_seconds.set(
            max((delivery.uncommitted_seconds(now) for delivery in deliveries), default=0.0)
        )
