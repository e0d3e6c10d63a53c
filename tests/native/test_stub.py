"""`_native.pyi` is what the built module is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_stub_describes_the_module() -> None:
    """Every name, signature and class, by mypy's stubtest."""
    command = [sys.executable, "-m", "mypy.stubtest", "penstock._native", "--mypy-config-file", "pyproject.toml"]
    command += ["--allowlist", "tests/native/stubtest_allowlist.txt", "--ignore-unused-allowlist"]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout + found.stderr
