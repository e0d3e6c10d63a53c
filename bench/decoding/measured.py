"""One reader in its own process over some corpora: how fast, and whether it is right."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from bench.decoding.digest import Digest
from tests.broker.process import spawn

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_CHILD: Final = Path(__file__).with_name("child.py")
_LAST_WORDS: Final = 200


@dataclass(frozen=True, slots=True)
class Input:
    """One corpus, written."""

    name: str
    records: int
    size_bytes: int
    digest: Digest


@dataclass(frozen=True, slots=True)
class Measured:
    """One reader on one corpus."""

    corpus: str
    reader: str
    gigabytes_per_second: float | None
    ratio_to_memcpy: float | None
    wrong: str | None
    """What is wrong with it, or why there is no figure; None: everything is right."""
    way: str | None = None
    """Of several ways to read, the one that was fastest."""

    def as_object(self) -> dict[str, object]:
        """As it is printed; with a reason where something is wrong."""
        found: dict[str, object] = {
            "corpus": self.corpus,
            "reader": self.reader,
            "gigabytes_per_second": _rounded(self.gigabytes_per_second),
            "ratio_to_memcpy": _rounded(self.ratio_to_memcpy),
            "correct": self.wrong is None,
        }
        return found | {"reason": self.wrong} if self.wrong else found


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.4g}")


def measure(
    reader: str, program: Path | None, inputs: Sequence[Input], directory: Path, *, seconds: float, limit_seconds: float
) -> Iterator[Measured]:
    """Let `reader` read all of `inputs`; where it dies it is started again for those that are left.

    It is a part of `program`, or is called from Python.
    """
    left = list(inputs)
    while left:
        command = _command(reader, program, [one.name for one in left], directory, seconds)
        lines, last_words = _run(command, limit_seconds)
        for line in lines:
            yield _measured(reader, left.pop(0), line)
        if left:
            yield Measured(left.pop(0).name, reader, None, None, last_words)


def _command(
    reader: str, program: Path | None, corpora: Sequence[str], directory: Path, seconds: float
) -> Sequence[str]:
    child = (sys.executable, str(_CHILD), str(max(os.sched_getaffinity(0))))
    if program is None:
        return (*child, reader, str(directory), str(seconds), *corpora)
    if reader == "simdjson":
        return (*child, "=", str(program), str(directory), str(seconds), *corpora)
    return (*child, "=", str(program), reader, *corpora, "--directory", str(directory), "--seconds", str(seconds))


def _run(command: Sequence[str], limit_seconds: float) -> tuple[list[dict[str, Any]], str]:
    """What it printed, and how it ended."""
    with tempfile.TemporaryFile() as log:
        process = spawn(command, stdout=subprocess.PIPE, stderr=log)
        try:
            printed, _ = process.communicate(timeout=limit_seconds)
            ended = f"ended with {process.returncode}"
        except subprocess.TimeoutExpired:
            process.kill()
            printed, _ = process.communicate()
            ended = f"not done after {limit_seconds:.0f} s"
        finally:
            process.kill()
        log.seek(0)
        words = log.read().decode(errors="replace").strip().splitlines()
    lines = [json.loads(line) for line in printed.splitlines() if line.endswith(b"}")]
    return lines, f"{ended}: {words[-1][:_LAST_WORDS]}" if words else ended


def _measured(reader: str, read: Input, line: Mapping[str, Any]) -> Measured:
    if "reason" in line:
        return Measured(read.name, reader, None, None, line["reason"])
    native = "digest" in line
    wrong = read.digest.difference(Digest(line["rows"], line["digest"])) if native else line["wrong"]
    rate = read.size_bytes / line["seconds"] / 1e9
    return Measured(read.name, reader, rate, line["memcpy_seconds"] / line["seconds"], wrong, line.get("way"))
