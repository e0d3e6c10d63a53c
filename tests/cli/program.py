"""The program as a user starts it."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def penstock(
    *arguments: object, cwd: Path, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """`penstock ARGUMENTS` in `cwd`, with nothing but `environment` beside what a process needs."""
    command = [sys.executable, "-m", "penstock.cli.main", *map(str, arguments)]
    plain = {name: value for name, value in os.environ.items() if not name.startswith("PENSTOCK")}
    return subprocess.run(
        command, cwd=cwd, env={**plain, **(environment or {})}, capture_output=True, text=True, check=False
    )


def modules_of(*arguments: object, cwd: Path) -> set[str]:
    """The packages that the program has imported when it ends."""
    script = (
        "import sys\nfrom penstock.cli.main import invoke\n"
        f"invoke({[*map(str, arguments)]!r})\n"
        "sys.stderr.write(' '.join(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=cwd, capture_output=True, text=True, check=True)
    return set(done.stderr.split())
