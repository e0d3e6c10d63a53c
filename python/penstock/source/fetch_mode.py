"""Which consumer fetches: the fast one of raw batches, or aiokafka's own, of records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import structlog

from penstock.errors import ConfigError
from penstock.source.layout import layout_problem

if TYPE_CHECKING:
    from penstock.telemetry.metrics import Metrics

log = structlog.get_logger("penstock.source")

FetchMode = Literal["auto", "fast", "records"]


def is_fast(mode: FetchMode, metrics: Metrics) -> bool:
    """Whether raw batches are fetched. `ConfigError` if they must be and can't."""
    if mode == "records":
        return False
    problem = layout_problem()
    if problem is None:
        metrics.fetch_fast.set(1)
        return True
    if mode == "fast":
        raise ConfigError(
            f'source.fetch_mode = "fast" does not fit the installed aiokafka: {problem}. Install the version that '
            'Penstock asks for, or write "auto".'
        )
    log.warning("Raw batches can't be fetched with this aiokafka; records are, which takes more CPU.", problem=problem)
    metrics.fetch_fallbacks.labels("layout").inc()
    return False
