"""Which consumer fetches: the fast one of raw batches, or aiokafka's own, of records."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from penstock.errors import ConfigError
from penstock.source.layout import layout_problem
from penstock.telemetry.log import get_logger

if TYPE_CHECKING:
    from penstock.telemetry.metrics import Metrics

log = get_logger("penstock.source")

FetchMode = Literal["auto", "fast", "records"]


@dataclass(frozen=True, slots=True)
class Fetching:
    """What a configured mode comes to. `problem` is why raw batches can't be fetched, if anybody wants them."""

    mode: FetchMode
    fast: bool
    problem: str | None


def choose(mode: FetchMode) -> Fetching:
    """Look at the installed aiokafka, unless `mode` is `records`."""
    problem = None if mode == "records" else layout_problem()
    return Fetching(mode, mode != "records" and problem is None, problem)


def is_fast(mode: FetchMode, metrics: Metrics) -> bool:
    """Whether raw batches are fetched. `ConfigError` if they must be and can't."""
    chosen = choose(mode)
    problem = chosen.problem
    if problem is None:
        metrics.fetch_fast.set(int(chosen.fast))
        return chosen.fast
    if mode == "fast":
        raise ConfigError(
            f'source.fetch_mode = "fast" does not fit the installed aiokafka: {problem}. Install the version that '
            'Penstock asks for, or write "auto".'
        )
    log.warning("Raw batches can't be fetched with this aiokafka; records are, which takes more CPU.", problem=problem)
    metrics.fetch_fallbacks.labels("layout").inc()
    return False
