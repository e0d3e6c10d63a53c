"""The arm64 wheel: built here, installed beside arm64 wheels of what it needs, tested by a Python that is emulated."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING, Final

from scripts.aarch64.tools import COMPATIBILITY, GLIBC, PROFILE, ROOT, TARGET, WORK, FailedError, run
from scripts.wheels.check import problems

if TYPE_CHECKING:
    from pathlib import Path

    from scripts.aarch64.tools import Tools

PROCESSOR: Final = "neoverse-n1"
TESTS: Final = (
    "tests/decode/test_vectors.py",
    "tests/decoder/test_input.py",
    "tests/decoder/test_parity.py",
    "tests/decoder/test_threads.py",
)
"""Every rule of decoding, buffers in and Arrow out, threads: without a broker and without other processes."""
_WITH: Final = ("pytest", "pytest-asyncio", "pytest-timeout", "hypothesis")
_SITE: Final = WORK / "site"


def build(tools: Tools, *, out: Path = WORK / "dist", profile: str = PROFILE) -> Path:
    """Build the wheel and hold it against its name."""
    shutil.rmtree(WORK / "wheel", ignore_errors=True)
    command = ["maturin", "build", "--profile", profile, "--target", TARGET, "--locked"]
    run([*command, "--compatibility", COMPATIBILITY, "--out", WORK / "wheel"], tools.environment())
    (built,) = (WORK / "wheel").glob("*.whl")
    if found := problems(built, "aarch64", GLIBC):
        raise FailedError("\n".join(found))
    out.mkdir(exist_ok=True, parents=True)
    return built.replace(out / built.name)


def install(tools: Tools, wheel: Path) -> None:
    """Install `wheel`, what it needs and what its tests need, for the guest's Python."""
    platforms = [f"--platform={name}_aarch64" for name in ("manylinux_2_28", "manylinux_2_17", "manylinux2014")]
    python = next((tools.guest / "usr/lib").glob("python3.*")).name.removeprefix("python")
    shutil.rmtree(_SITE, ignore_errors=True)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
    where = [
        "--target",
        str(_SITE),
        "--only-binary=:all:",
        "--implementation=cp",
        f"--python-version={python}",
        *platforms,
    ]
    run([*pip, *where, "--constraint", ROOT / "requirements/dev.txt", wheel, *_WITH], os.environ)


def test(tools: Tools) -> None:
    """Run the tests of what is installed."""
    environment = {
        "PYTHONPATH": str(_SITE),
        "PYTHONPYCACHEPREFIX": str(WORK / "pycache"),
        "CI": "true",  # Hypothesis then takes the same examples every time.
        "HOME": str(WORK),
    }
    python = tools.guest / "usr/bin/python3"
    pytest = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "-o", "timeout=1800"]
    run(tools.emulated(PROCESSOR, python, *pytest, *TESTS), environment)
