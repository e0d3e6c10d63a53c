"""The core's own tests, built once for arm64 and run on every processor that we have an emulation of."""

from __future__ import annotations

import json
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from scripts.aarch64.tools import PROFILE, ROOT, TARGET, FailedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from scripts.aarch64.tools import Tools

PROCESSORS: Final = ("neoverse-n1", "neoverse-v1", "neoverse-n2")
"""Graviton 2; Graviton 3, with 256 bits of SVE; the nearest to Graviton 4, with 128 bits of SVE2."""
CASES: Final = "32"
"""Of each property: an emulated processor takes about eight times as long."""


@dataclass(frozen=True, slots=True)
class Binary:
    """One of the binaries that Cargo makes of the tests."""

    name: str
    path: Path
    folder: Path
    """Where Cargo would run it."""


def build(tools: Tools) -> list[Binary]:
    """Build the tests of the whole workspace: the wheel then finds its libraries built, with the same features."""
    command = ["cargo", "test", "--no-run", "--workspace", "--profile", PROFILE, "--target", TARGET]
    done = subprocess.run(
        [*command, "--message-format", "json-render-diagnostics"],
        env=tools.environment(),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise FailedError("The tests can't be built for arm64.")
    return binaries(done.stdout.splitlines())


def binaries(messages: Iterable[str]) -> list[Binary]:
    """Those that Cargo's messages name."""
    found = []
    for line in messages:
        message: dict[str, Any] = json.loads(line)
        if message["reason"] == "compiler-artifact" and message["profile"]["test"] and message["executable"]:
            folder = Path(message["manifest_path"]).parent
            found.append(Binary(message["target"]["name"], Path(message["executable"]), folder))
    return found


def run(tools: Tools, programs: Sequence[Binary]) -> None:
    """Run every program on every processor, two at a time; `FailedError` if one fails, when all have run."""
    if not programs:
        raise FailedError("Cargo has built no tests.")
    runs = [(processor, program) for program in programs for processor in PROCESSORS]
    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(lambda one: _run(tools, *one), runs))
    failed = [
        f"{program.name} on {processor}"
        for (processor, program), passed in zip(runs, outcomes, strict=True)
        if not passed
    ]
    if failed:
        raise FailedError(f"Failed: {', '.join(failed)}.")


def _run(tools: Tools, processor: str, program: Binary) -> bool:
    done = subprocess.run(
        tools.emulated(processor, program.path, "--quiet", "--test-threads", "1"),
        env={"PROPTEST_CASES": CASES, "RUST_BACKTRACE": "1"},
        cwd=program.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    passed = done.returncode == 0
    if not passed:
        print(done.stdout, flush=True)
    summary = [line for line in done.stdout.splitlines() if line.startswith("test result:")]
    said = summary[-1] if summary else f"no result, exit {done.returncode}"
    print(f"{program.name} on {processor}: {said}", flush=True)
    return passed
