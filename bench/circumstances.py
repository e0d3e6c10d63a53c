"""What a figure depends on: machine, versions, data."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Final

from confluent_kafka import libversion

from bench.feed import PARTITIONS
from bench.job import SEED
from penstock._native import build_info

if TYPE_CHECKING:
    from collections.abc import Iterator

_ROOT: Final = Path(__file__).resolve().parents[1]
_PACKAGES: Final = ("aiokafka", "confluent-kafka", "pyarrow", "polars")


def circumstances(rounds: int) -> Iterator[str]:
    """Lines of a Markdown list."""
    build = build_info()
    packages = ", ".join(f"{name} {_version(name)}" for name in _PACKAGES)
    yield f"- Machine: {_processor()}, {os.cpu_count()} cores, {platform.machine()}; Linux {platform.release()}"
    yield f"- Penstock {build['version']}, commit {_commit()}, build {build['profile']}"
    yield f"- Python {platform.python_version()}, {packages}, librdkafka {libversion()[0]}"
    yield f"- Apache Kafka {_kafka()} on the same machine, one broker, {PARTITIONS} partitions"
    yield f"- Data: `penstock.demo.events`, seed {SEED}; batches as librdkafka makes them"
    yield f"- Median CPU of {rounds} rounds, each in a new process, start-up included; MB are 10^6 bytes of values"


def _processor() -> str:
    found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return found[1] if found else platform.processor() or "unknown processor"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "missing"


def _commit() -> str:
    described = subprocess.run(
        ["git", "-C", str(_ROOT), "describe", "--always", "--dirty"], capture_output=True, text=True, check=False
    )
    return described.stdout.strip() or "unknown"


def _kafka() -> str:
    found = re.search(r"<version>([0-9.]{5,})</version>", (_ROOT / "tests/broker/kafka-libs/pom.xml").read_text())
    return found[1] if found else "unknown"
