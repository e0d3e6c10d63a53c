"""What the figures of `bench/run.py` depend on: machine, versions, data."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from confluent_kafka import libversion

from bench.feed import PARTITIONS
from bench.job import SEED
from bench.machine import build, machine, versions

if TYPE_CHECKING:
    from collections.abc import Iterator

_ROOT: Final = Path(__file__).resolve().parents[1]
_PACKAGES: Final = ("aiokafka", "confluent-kafka", "pyarrow", "polars")


def circumstances(rounds: int) -> Iterator[str]:
    """Lines of a Markdown list."""
    yield f"- Machine: {machine()}"
    yield f"- {build()}"
    yield f"- {versions(_PACKAGES)}, librdkafka {libversion()[0]}"
    yield f"- Apache Kafka {kafka_version()} on the same machine, one broker, {PARTITIONS} partitions"
    yield f"- Data: `penstock.demo.events`, seed {SEED}; batches as librdkafka makes them"
    yield f"- Median CPU of {rounds} rounds, each in a new process; MB are 10^6 bytes of values"
    yield "- CPU is of whole processes; `start-up` is the share of it that the same job takes with 100 events"


def kafka_version() -> str:
    """Of the broker that the tests and the benches start."""
    found = re.search(r"<version>([0-9.]{5,})</version>", (_ROOT / "tests/broker/kafka-libs/pom.xml").read_text())
    return found[1] if found else "unknown"
