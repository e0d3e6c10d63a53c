"""The programs of `bench/micro`: built once, kept under `target/bench`, or the reason why one can't be had."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_ROOT: Final = Path(__file__).resolve().parents[2]
_MICRO: Final = _ROOT / "bench" / "micro"
_CACHE: Final = _ROOT / "target" / "bench"
_SIMDJSON: Final = _CACHE / "simdjson"
_REQUIREMENT: Final = _ROOT / "requirements" / "bench-simdjson.txt"
_COMPILERS: Final = ("c++", "g++", "clang++")
CXX_FLAGS: Final = ("-std=c++20", "-O3", "-march=native", "-DNDEBUG")
"""On-Demand has no choice at run time: without `-march=native` most of it would not use the processor's vectors."""


class MissingProgramError(Exception):
    """Why a program can't be had, in a line."""


def simdjson_program() -> Path:
    """The C++ program; fetches simdjson's sources, as a package carries them, and compiles them."""
    source, program = _MICRO / "simdjson_ondemand.cpp", _CACHE / "simdjson_ondemand"
    if not _older(program, source, _REQUIREMENT, Path(__file__)):
        return program
    compiler = os.environ.get("CXX") or next(filter(shutil.which, _COMPILERS), None)
    if compiler is None:
        raise MissingProgramError("no C++ compiler: none of " + ", ".join(_COMPILERS))
    if _older(_SIMDJSON / "simdjson.h", _REQUIREMENT):
        _fetch_simdjson()
    command = (compiler, *CXX_FLAGS, f"-I{_SIMDJSON}", str(source), str(_SIMDJSON / "simdjson.cpp"))
    unfinished = program.with_suffix(".tmp")
    _run((*command, "-o", str(unfinished)), "can't compile it with a C++20 compiler")
    unfinished.replace(program)
    return program


def _older(made: Path, *sources: Path) -> bool:
    """Whether it has to be made, again or at all."""
    return not made.exists() or made.stat().st_mtime < max(source.stat().st_mtime for source in sources)


def _fetch_simdjson() -> None:
    with tempfile.TemporaryDirectory() as directory:
        command = (sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps")
        _run(
            (*command, "--no-binary=:all:", "--require-hashes", f"--dest={directory}", f"--requirement={_REQUIREMENT}"),
            "can't fetch simdjson's sources",
        )
        archive = next(Path(directory).glob("*.tar.gz"))
        _SIMDJSON.mkdir(parents=True, exist_ok=True)
        with tarfile.open(archive) as tar:
            found = {Path(member.name).name: member for member in tar.getmembers() if member.isfile()}
            for name in ("simdjson.cpp", "simdjson.h"):  # Whether it is there is told by the last.
                content = tar.extractfile(found[name])
                (_SIMDJSON / name).write_bytes(content.read() if content else b"")


def rust_program() -> Path:
    """The Rust program; Cargo knows whether there is something to build."""
    if shutil.which("cargo") is None:
        raise MissingProgramError("no Rust toolchain: no `cargo` on PATH")
    target = _CACHE / "micro"
    command = ("cargo", "build", "--quiet", "--release", "--locked", "--no-default-features", f"--target-dir={target}")
    _run((*command, f"--manifest-path={_MICRO / 'Cargo.toml'}"), "can't build it")
    return target / "release" / "penstock-micro"


PROGRAMS: Final[Mapping[str, Callable[[], Path]]] = {
    "simdjson": simdjson_program,
    "simd_json": rust_program,
    "sonic_rs": rust_program,
    "arrow_json": rust_program,
}
"""Readers that are not called from Python."""


def simdjson_version() -> str:
    """Of the sources that were fetched."""
    header = _SIMDJSON / "simdjson.h"
    found = re.search(r'define SIMDJSON_VERSION "([^"]+)"', header.read_text()) if header.exists() else None
    return found[1] if found else "missing"


def _run(command: Sequence[str], failed: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if "error" in line.lower()] or done.stderr.splitlines()
        raise MissingProgramError(f"{failed}: {lines[0].strip()[:200] if lines else f'ended with {done.returncode}'}")
