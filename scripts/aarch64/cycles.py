"""A report: the loops of the kernels on LLVM's model of Neoverse V2, beside what their instructions allow at best.

The model knows neither caches nor branches predicted wrong. It compares loops with each other, not machines.
"""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from scripts.aarch64.hot_loop import Loop, functions, innermost_loops

if TYPE_CHECKING:
    from pathlib import Path

    from scripts.aarch64.tools import Tools

PROCESSOR: Final = "neoverse-v2"
BLOCK_BYTES: Final = 64
PASSES: Final = 1000
AT_LEAST, AIM = 70, 85
"""Percent of the bound."""

_KERNEL: Final = re.compile(r"kernel_([a-z0-9_]+?)(?:17h[0-9a-f]{16}E)?$")
"""In a symbol, which may end with a hash."""
BOUNDS: Final = {"first_special": 6.25, "string_end": 8.75}
"""Cycles per block in the shortest code known: its vector instructions / 4, or all / 8 if that is more.

Skipping clean text takes 25 and 28, bitmaps that know of escapes 35 and 51.
"""


@dataclass(frozen=True, slots=True)
class Modelled:
    """One loop on the model."""

    kernel: str
    instructions: int
    bytes: int
    """That a pass reads."""
    cycles: float
    """Of a pass."""

    @property
    def cycles_per_block(self) -> float:
        """So that loops that read more or less in a pass can be compared."""
        return self.cycles * BLOCK_BYTES / self.bytes

    def line(self) -> str:
        """For people."""
        said = (
            f"{self.kernel:28} {self.instructions:4} instructions for {self.bytes:3} B, "
            f"{self.cycles_per_block:6.2f} modelled cycles per {BLOCK_BYTES} B"
        )
        bound = next((bound for name, bound in BOUNDS.items() if self.kernel.startswith(name)), None)
        if bound is None:
            return said
        percent = 100 * bound / self.cycles_per_block
        judged = "as aimed at" if percent >= AIM else "enough" if percent >= AT_LEAST else f"below {AT_LEAST} %"
        return f"{said}, bound {bound}: {percent:.0f} % ({judged})"


def report(tools: Tools, assembly: Path) -> str:
    """Of every kernel in `assembly`: its loops that read vectors."""
    lines = list[str]()
    for symbol, body in functions(assembly.read_text()):
        if kernel := _KERNEL.search(symbol):
            loops = (loop for loop in innermost_loops(body) if loop.bytes_loaded)
            lines += [_modelled(tools, kernel[1], loop).line() for loop in loops]
    return "\n".join(lines) or "No kernel has a loop that reads vectors."


def _modelled(tools: Tools, kernel: str, loop: Loop) -> Modelled:
    command: list[str | Path] = [
        tools.model,
        "-mtriple=aarch64-linux-gnu",
        f"-mcpu={PROCESSOR}",
        f"-iterations={PASSES}",
    ]
    done = subprocess.run(
        command, input=loop.for_model(), env=tools.environment(), capture_output=True, text=True, check=True
    )
    return Modelled(kernel, len(loop.instructions), loop.bytes_loaded, total_cycles(done.stdout) / PASSES)


def total_cycles(printed: str) -> int:
    """What llvm-mca says of all passes together."""
    found = re.search(r"^Total Cycles:\s+(\d+)$", printed, re.MULTILINE)
    if found is None:
        raise ValueError("llvm-mca has printed no `Total Cycles`")
    return int(found[1])
