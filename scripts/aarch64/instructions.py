"""Instructions per byte of every kernel, counted by cachegrind under emulation: the same number on every run.

They say what the compiler made of the source. How long a processor takes for it is another matter: see `cycles.py`.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from scripts.aarch64.tools import ROOT, WORK, FailedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from scripts.aarch64.tools import Tools

COMMITTED: Final = Path(__file__).with_name("instructions.json")
SLACK: Final = 0.02
PROCESSOR: Final = "cortex-a76"
"""The newest whose instructions valgrind knows all of."""
PASSES: Final = 2
_KERNEL: Final = re.compile(r"\bkernel_([a-z0-9]+(?:_[a-z0-9]+)*)")
_BYTES: Final = re.compile(r"\bkernel_(\w+) +(\d+) bytes\b")
_NOT_OURS: Final = {"copy", "utf8"}
"""Their instructions are in libc and in a crate."""


@dataclass(frozen=True, slots=True)
class Counted:
    """What one program does with one instruction set."""

    bytes_read: dict[str, int]
    """By each kernel, in one pass."""
    per_byte: dict[str, float]
    """Instructions."""


def count(tools: Tools, program: Path) -> Counted:
    """Of every kernel that `program` runs."""
    valgrind = tools.guest / "usr/libexec/valgrind"
    out = WORK / "cachegrind.out"
    cachegrind = ["--tool=cachegrind", "--cache-sim=no", f"--cachegrind-out-file={out}"]
    kernels: list[str | Path] = [program, str(PASSES), "neon"]
    done = subprocess.run(
        tools.emulated(PROCESSOR, valgrind / "cachegrind-arm64-linux", *cachegrind, *kernels),
        env={"VALGRIND_LIB": str(valgrind), "VALGRIND_LAUNCHER": str(tools.guest / "usr/bin/valgrind")},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise FailedError(f"The kernels can't be counted:\n{done.stderr.strip()}")
    read = bytes_read(done.stdout)
    return Counted(read, per_byte(per_kernel(out.read_text().splitlines()), read))


def bytes_read(printed: str) -> dict[str, int]:
    """By each kernel in one pass, as the program prints it."""
    return {name: int(number) for name, number in _BYTES.findall(printed) if name not in _NOT_OURS}


def per_kernel(lines: Iterable[str]) -> dict[str, int]:
    """Instructions of each function `kernel_NAME` in a file that cachegrind has written, with what is inlined there."""
    counts = Counter[str]()
    kernel = None
    for line in lines:
        if line.startswith("fn="):
            found = _KERNEL.search(line)
            kernel = found[1] if found and found[1] not in _NOT_OURS else None
        elif kernel and line[:1].isdigit():
            counts[kernel] += int(line.split()[1])
    return dict(counts)


def per_byte(instructions: Mapping[str, int], read: Mapping[str, int]) -> dict[str, float]:
    """In order of name. `instructions` are of all passes, `read` is of one."""
    if instructions.keys() != read.keys():
        different = ", ".join(sorted(instructions.keys() ^ read.keys()))
        raise FailedError(f"Not both counted and reported: {different}.")
    return {name: round(instructions[name] / PASSES / read[name], 4) for name in sorted(read)}


def table(counted: Mapping[str, float], committed: Mapping[str, float]) -> str:
    """Both, side by side."""
    lines = [f"{'kernel':28} instructions per byte (emulated), committed"]
    for name in sorted(counted.keys() | committed.keys()):
        now, before = (f"{values[name]:.4f}" if name in values else "-" for values in (counted, committed))
        lines.append(f"{name:28} {now:>10} {before:>10}")
    return "\n".join(lines)


def differences(counted: Mapping[str, float], committed: Mapping[str, float]) -> list[str]:
    """What is not as committed: kernels on one side only, and more than the slack in either direction.

    Fewer is a difference too: what is won once is kept by committing it.
    """
    found = [f"{name} is new" for name in sorted(counted.keys() - committed.keys())]
    found += [f"{name} is gone" for name in sorted(committed.keys() - counted.keys())]
    for name in sorted(counted.keys() & committed.keys()):
        ratio = round(counted[name] / committed[name] - 1, 4)
        if abs(ratio) > SLACK:
            found.append(f"{name} takes {abs(ratio):.1%} {'more' if ratio > 0 else 'fewer'}")
    return found


def judge(tools: Tools, counted: Mapping[str, float], *, write: bool) -> str:
    """Hold the counts against the committed ones, or commit to them; what to print. `FailedError` if they differ.

    Counts of another compiler are shown and not judged: it, not the change at hand, may be what made them.
    """
    compiler = tools.compiler_version()
    if write:
        COMMITTED.write_text(json.dumps({"compiler": compiler, "instructions_per_byte": counted}, indent=2) + "\n")
        return f"Written to {COMMITTED.relative_to(ROOT)}."
    committed = json.loads(COMMITTED.read_text())
    before = committed["instructions_per_byte"]
    shown = table(counted, before)
    found = differences(counted, before)
    if found and committed["compiler"] == compiler:
        raise FailedError(f"{shown}\n{'; '.join(found)}. If that is meant: make aarch64 ARGUMENTS=--write")
    if found:
        shown += f"\nNot judged: counted with {compiler}, committed with {committed['compiler']}."
    return shown
