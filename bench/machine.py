"""What every figure depends on: the machine, the build, the versions."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import TYPE_CHECKING, Final

from penstock._native import build_info

if TYPE_CHECKING:
    from collections.abc import Iterable

_ROOT: Final = Path(__file__).resolve().parents[1]


def machine() -> str:
    """Processor, cores and kernel."""
    return f"{_processor()}, {os.cpu_count()} cores, {platform.machine()}; Linux {platform.release()}"


def build() -> str:
    """Which Penstock, and how it was compiled."""
    info = build_info()
    return f"Penstock {info['version']}, commit {_commit()}, build {info['profile']}"


def versions(packages: Iterable[str]) -> str:
    """Python's and those of `packages`."""
    return ", ".join(
        [f"Python {platform.python_version()}", *(f"{package} {_version(package)}" for package in packages)]
    )


def _processor() -> str:
    found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return found[1] if found else platform.processor() or "unknown processor"


def _version(package: str) -> str:
    try:
        return installed_version(package)
    except PackageNotFoundError:
        return "missing"


def _commit() -> str:
    described = subprocess.run(
        ["git", "-C", str(_ROOT), "describe", "--always", "--dirty"], capture_output=True, text=True, check=False
    )
    return described.stdout.strip() or "unknown"
