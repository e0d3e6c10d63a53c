"""The path that a kernel's loop takes most often, from qemu's record of what it executed.

A loop over text has branches for everything that is rare. What matters is the way through them that the text really
takes: one pass from the loop's head to its head again, as the straight line of instructions that LLVM's model wants.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

RECORD: Final = ("-d", "in_asm,exec,nochain")
"""For qemu: to write each piece of code when it is first met, and the start of each one that is run."""

_CODE: Final = re.compile(r"0x([0-9a-f]+):  [0-9a-f]{8}  (.+)")
_EXECUTED: Final = re.compile(r"Trace \d+: \S+ \[[0-9a-f]+/([0-9a-f]+)/.*\] (.*)")
_KERNEL: Final = re.compile(r"kernel_([a-z0-9]+(?:_[a-z0-9]+)*?)(?:17h[0-9a-f]{16}E)?$")
"""In a symbol, which may end with a hash."""
_PLACE: Final = re.compile(r"#-?0x[0-9a-f]+$")
_JUMP: Final = re.compile(r"(b|bl|b\.\w+|cbn?z|tbn?z) ")
_ADDRESS: Final = re.compile(r"(adrp?|ldr \w+, #)")


@dataclass(frozen=True, slots=True)
class Path:
    """One way from a loop's head to its head."""

    instructions: tuple[str, ...]
    passes: int
    """Through the head, on this path or another."""
    share: float
    """Of all instructions of the kernel, those on this path."""


@dataclass(slots=True)
class Record:
    """What was executed: pieces of code by the address they begin at, and the order in which kernels ran them."""

    pieces: dict[int, list[str]] = field(default_factory=dict)
    runs: defaultdict[str, list[int]] = field(default_factory=lambda: defaultdict(list))

    def read(self, lines: Iterable[str]) -> None:
        """Take in qemu's record."""
        piece: list[str] = []
        for line in lines:
            if executed := _EXECUTED.match(line):
                if kernel := _KERNEL.search(executed[2]):
                    self.runs[kernel[1]].append(int(executed[1], 16))
            elif code := _CODE.match(line):
                if not piece:
                    self.pieces[int(code[1], 16)] = piece
                piece.append(for_model(code[2]))
            else:
                piece = []

    def hottest(self, kernel: str) -> Path | None:
        """The path taken most often through the piece that `kernel` ran most often; None without a loop."""
        run = self.runs[kernel]
        head, passes = Counter(run).most_common(1)[0]
        heads = [index for index, piece in enumerate(run) if piece == head]
        paths = Counter(tuple(run[start:end]) for start, end in pairwise(heads))
        if not paths:
            return None
        pieces, times = paths.most_common(1)[0]
        instructions = self._straight(pieces)
        return Path(instructions, passes, times * len(instructions) / len(self._straight(run)))

    def _straight(self, pieces: Sequence[int]) -> tuple[str, ...]:
        return tuple(instruction for piece in pieces for instruction in self.pieces[piece])


def for_model(instruction: str) -> str:
    """With places that it can be assembled with anywhere. The model does not look at them."""
    instruction = " ".join(instruction.split())
    if _JUMP.match(instruction):
        return _PLACE.sub("#-4", instruction)
    if _ADDRESS.match(instruction):
        return _PLACE.sub("#0", instruction)
    return instruction
