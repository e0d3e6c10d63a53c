"""A report: the loops of the kernels on LLVM's model of Neoverse V2, beside what their instructions allow at best.

The model knows neither caches nor branches predicted wrong. It compares loops with each other, not machines.
"""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from scripts.aarch64.hot_path import RECORD, Record
from scripts.aarch64.tools import FailedError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from scripts.aarch64.tools import Tools

PROCESSOR: Final = "neoverse-v2"
BLOCK_BYTES: Final = 64
PASSES: Final = 1000
AT_LEAST, AIM = 70, 85
"""Percent of the bound."""

BOUNDS: Final = {"first_special": 6.25, "string_end_clean": 8.75}
"""Cycles per block in the shortest code known: its vector instructions / 4, or all / 8 if that is more.

Skipping clean text takes 25 and 28, bitmaps that know of escapes 35 and 51.
"""


@dataclass(frozen=True, slots=True)
class Modelled:
    """The way through a loop that is taken most often, on the model."""

    kernel: str
    instructions: int
    share: float
    """Of the kernel's instructions."""
    bytes: float
    """Of a pass, on average."""
    cycles: float
    """Of a pass."""

    @property
    def cycles_per_block(self) -> float:
        """So that loops that read more or less in a pass can be compared."""
        return self.cycles * BLOCK_BYTES / self.bytes

    def line(self) -> str:
        """For people."""
        said = (
            f"{self.kernel:20} {self.instructions:4} instructions ({self.share:4.0%}) for {self.bytes:5.1f} B, "
            f"{self.cycles_per_block:6.2f} modelled cycles per {BLOCK_BYTES} B"
        )
        if self.kernel not in BOUNDS:
            return said
        percent = 100 * BOUNDS[self.kernel] / self.cycles_per_block
        judged = "as aimed at" if percent >= AIM else "enough" if percent >= AT_LEAST else f"below {AT_LEAST} %"
        return f"{said}, bound {BOUNDS[self.kernel]}: {percent:.0f} % ({judged})"


def report(tools: Tools, program: Path, read: Mapping[str, int]) -> str:
    """Of every kernel in `read`, which has the bytes it reads when `program` runs it once."""
    command = tools.emulated("neoverse-n1", program, "1", "neon")
    record = Record()
    with subprocess.Popen(
        [command[0], *RECORD, *command[1:]], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as running:
        record.read(running.stderr or ())
    if running.returncode != 0:
        raise FailedError(f"The kernels ended with {running.returncode} while they were recorded.")
    lines = list[str]()
    for kernel in sorted(read):
        if path := record.hottest(kernel):
            cycles = _cycles(tools, path.instructions)
            modelled = Modelled(kernel, len(path.instructions), path.share, read[kernel] / path.passes, cycles)
            lines.append(modelled.line())
    return "\n".join(lines)


def _cycles(tools: Tools, instructions: tuple[str, ...]) -> float:
    """Of one pass."""
    command: list[str | Path] = [tools.model, "-mtriple=aarch64-linux-gnu", f"-mcpu={PROCESSOR}"]
    done = subprocess.run(
        [*command, f"-iterations={PASSES}"],
        input="\n".join(instructions),
        env=tools.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise FailedError(f"LLVM's model does not take what qemu has recorded:\n{done.stderr}")
    return total_cycles(done.stdout) / PASSES


def total_cycles(printed: str) -> int:
    """What llvm-mca says of all passes together."""
    found = re.search(r"^Total Cycles:\s+(\d+)$", printed, re.MULTILINE)
    if found is None:
        raise FailedError("llvm-mca has printed no `Total Cycles`.")
    return int(found[1])
