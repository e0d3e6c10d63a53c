"""What builds for arm64 and runs what was built, below `target/aarch64`, and the environment to use it in.

- Rust: Debian's compiler, with its standard library for arm64 of the same version. (That of rustup can't be had
  without its servers, and its compiler refuses a standard library that it was not built with.)
- C and the linker: zig, from PyPI, by the wrapper that maturin has for it; it links against any version of glibc.
- The guest: an arm64 Debian with Python and valgrind, in a folder. qemu runs single programs of it.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from scripts.aarch64.debian import MACHINE, MissingError, Source, unpack

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROOT: Final = Path(__file__).resolve().parents[2]
WORK: Final = ROOT / "target" / "aarch64"
TARGET: Final = "aarch64-unknown-linux-gnu"
GLIBC: Final = (2, 28)
"""The oldest that a wheel runs with."""
COMPATIBILITY: Final = f"manylinux_{GLIBC[0]}_{GLIBC[1]}"
PROFILE: Final = "ci"

_RELEASE: Final = "trixie"
"""Its qemu knows the processors that we ask for, and needs no library; its Python is one that our wheel is for."""
_COMPILER: Final = ("rustc-web", "cargo-web", "llvm-22", "=libstd-rust-web-dev:arm64")
_GUEST: Final = ("python3", "libgcc-s1", "libstdc++6", "valgrind")


@dataclass(frozen=True, slots=True)
class Tools:
    """Paths of what was unpacked."""

    compiler: Path
    emulator: Path
    guest: Path

    @property
    def model(self) -> Path:
        """LLVM's model of processors."""
        return self.compiler / "usr/lib/llvm-22/bin/llvm-mca"

    def environment(self) -> dict[str, str]:
        """For cargo and maturin. Tests and wheel are built in the same one, so that they share what they can."""
        binaries = self.compiler / "usr/bin"
        name = TARGET.replace("-", "_")
        return {
            **{key: value for key, value in os.environ.items() if not key.startswith(("CARGO", "RUST", "MAKE"))},
            "PATH": os.pathsep.join([str(binaries), str(Path(sys.executable).parent), os.environ["PATH"]]),
            "LD_LIBRARY_PATH": str(self.compiler / "usr/lib/x86_64-linux-gnu"),
            "CARGO": str(binaries / "cargo"),
            "RUSTC": str(binaries / "rustc"),
            "CARGO_TARGET_DIR": str(WORK / "cargo"),
            f"CARGO_TARGET_{name.upper()}_LINKER": str(WORK / "cc"),
            f"CC_{name}": str(WORK / "cc"),
            f"AR_{name}": str(WORK / "ar"),
            "CARGO_ZIGBUILD_CACHE_DIR": str(WORK / "zig"),
            "ZIG_GLOBAL_CACHE_DIR": str(WORK / "zig"),
        }

    def compiler_version(self) -> str:
        """As rustc says it."""
        command: list[str | Path] = [self.compiler / "usr/bin/rustc", "--version"]
        done = subprocess.run(command, env=self.environment(), stdout=subprocess.PIPE, text=True, check=True)
        return done.stdout.strip()

    def emulated(self, processor: str, program: Path, *arguments: str | Path) -> list[str | Path]:
        """The command that runs an arm64 program."""
        return [self.emulator / "usr/bin/qemu-aarch64", "-cpu", processor, "-L", self.guest, program, *arguments]


def set_up() -> Tools:
    """Have everything there; quick if it is.

    Raises:
        MissingError: This machine can't.
    """
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        raise MissingError(
            f"This builds for arm64 on x86_64 Linux; here is {sys.platform} on {platform.machine()}. "
            "On an arm64 machine `make test` tests the same code."
        )
    tools = Tools(WORK / "compiler", WORK / "emulator", WORK / "guest")
    unpack(MACHINE, _COMPILER, tools.compiler, work=WORK / "apt")
    unpack(Source("emulator", ("amd64",), _RELEASE), ["=qemu-user"], tools.emulator, work=WORK / "apt")
    unpack(Source("guest", ("arm64",), _RELEASE), _GUEST, tools.guest, work=WORK / "apt")
    lib = tools.guest / "lib"
    if not lib.is_symlink():
        lib.symlink_to("usr/lib")  # The package that has it is one that a guest of single programs does not need.
    _write_program(WORK / "cc", "cc -- -g -target", f"aarch64-linux-gnu.{GLIBC[0]}.{GLIBC[1]}")
    _write_program(WORK / "ar", "ar --")
    return tools


def run(command: Sequence[str | Path], environment: Mapping[str, str]) -> None:
    """Run `command` in the checkout, its output among ours; `FailedError` if it fails."""
    done = subprocess.run(command, env=environment, cwd=ROOT, check=False)
    if done.returncode != 0:
        raise FailedError(f"{Path(command[0]).name} ended with {done.returncode}.")


class FailedError(Exception):
    """A phase has failed; what ran has said why."""


def _write_program(path: Path, *words: str) -> None:
    maturin = Path(sys.executable).parent / "maturin"
    path.write_text(f'#!/bin/sh\nexec {maturin} zig {" ".join(words)} "$@"\n')
    path.chmod(0o755)
