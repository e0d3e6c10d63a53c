"""What is said of arm64, made true on an x86_64 machine: built, tested and counted under emulation.

`python -m scripts.aarch64` does all of it. Everything is kept below `target/aarch64`, so the second time is quick.
"""

from __future__ import annotations

import argparse
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from scripts.aarch64 import core_tests, cycles, instructions, wheel
from scripts.aarch64.build import build
from scripts.aarch64.debian import MissingError
from scripts.aarch64.tools import FailedError, set_up

if TYPE_CHECKING:
    from collections.abc import Iterator


def main() -> int:
    """Do it; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m scripts.aarch64", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--write", action="store_true", help="commit to the instructions counted, and do nothing else")
    parser.add_argument("--wheel", type=Path, help="test this wheel, and do nothing else")
    options = parser.parse_args()
    try:
        _run(options)
    except (MissingError, FailedError) as failure:
        print(failure, file=sys.stderr)
        return 1
    return 0


def _run(options: argparse.Namespace) -> None:
    with _phase("Tools"):
        tools = set_up()
    if options.wheel is None:
        with _phase("Build"):
            built = build(tools)
        if not options.write:
            with _phase("Tests of the core"):
                core_tests.run(tools, built.tests)
        with _phase("Instructions"):
            counted = instructions.count(tools, built.kernels.path)
            print(instructions.judge(tools, counted.per_byte, write=options.write))
        with _phase("Model"):
            print(cycles.report(tools, built.kernels.path, counted.bytes_read))
    if not options.write:
        with _phase("Wheel"):
            wheel.install(tools, options.wheel or wheel.build(tools))
        with _phase("Tests of the wheel"):
            wheel.test(tools)


@contextmanager
def _phase(name: str) -> Iterator[None]:
    print(f"== {name}", flush=True)
    start = time.monotonic()
    yield
    print(f"== {name}: {time.monotonic() - start:.0f} s", flush=True)


if __name__ == "__main__":
    sys.exit(main())
