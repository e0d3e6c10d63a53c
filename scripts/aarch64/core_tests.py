"""The core's own tests, on every processor that they are to pass on."""

from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

from scripts.aarch64.tools import FailedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scripts.aarch64.build import Binary
    from scripts.aarch64.tools import Tools

PROCESSORS: Final = ("neoverse-n1", "neoverse-v1", "neoverse-n2")
"""Graviton 2; Graviton 3, with 256 bits of SVE; the nearest to Graviton 4, with 128 bits of SVE2."""
CASES: Final = "32"
"""Of each property: an emulated processor takes about eight times as long."""
MILLION: Final = "50000"
"""So many of whatever `tests/bounded.rs` has a million of; that does not depend on the processor."""
APART: Final = "7"
"""One place in so many is damaged by `tests/engine_frames.rs` and `tests/decode_nested.rs`."""


def run(tools: Tools, programs: Sequence[Binary]) -> None:
    """Run every program on every processor, two at a time; `FailedError` if one fails, when all have run."""
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
        env={
            "PROPTEST_CASES": CASES,
            "PENSTOCK_TEST_MILLION": MILLION,
            "PENSTOCK_TEST_APART": APART,
            "RUST_BACKTRACE": "1",
        },
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
