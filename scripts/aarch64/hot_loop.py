"""The loops of a function in the assembly that rustc writes for arm64, cut out for LLVM's model of a processor."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_FUNCTION: Final = re.compile(r"([A-Za-z_$][\w$.]*):")
_LABEL: Final = re.compile(r"(\.L\w+):")
_BRANCH: Final = re.compile(r"(?:b(?:\.\w+)?|cbn?z\s+\w+,|tbn?z\s+\w+,\s*#\w+,)\s+(\.L\w+)")
_VECTOR_LOAD: Final = re.compile(r"(ldr|ldur|ldp)\s+(q\d+|v\d+)|(ld1)\s+\{([^}]*)\}")
_VECTOR_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class Loop:
    """The instructions of an innermost loop, as one line each."""

    instructions: tuple[str, ...]

    @property
    def bytes_loaded(self) -> int:
        """By vector loads, in one pass."""
        return sum(_loaded(instruction) for instruction in self.instructions)

    def for_model(self) -> str:
        """Without the labels that it jumps to: the model knows no places, and takes every jump as not taken."""
        return "\n".join(re.sub(r"\.L\w+$", "#-4", instruction) for instruction in self.instructions)


def functions(assembly: str) -> Iterator[tuple[str, list[str]]]:
    """Every function's symbol, and its labels and instructions without directives and comments."""
    name, body = None, list[str]()
    for line in assembly.splitlines():
        code = line.split("//")[0].strip()
        function = None if code.startswith(".") else _FUNCTION.fullmatch(code)
        if function:
            if name is not None:
                yield name, body
            name, body = function[1], []
        elif code and (not code.startswith(".") or _LABEL.fullmatch(code)):
            body.append(re.sub(r"\s+", " ", code))
    if name is not None:
        yield name, body


def innermost_loops(body: Sequence[str]) -> list[Loop]:
    """What lies between a label and a jump back to it, with no such pair inside."""
    places = {label[1]: index for index, line in enumerate(body) if (label := _LABEL.fullmatch(line))}
    loops = [
        (places[branch[1]], index)
        for index, line in enumerate(body)
        if (branch := _BRANCH.fullmatch(line)) and places.get(branch[1], index + 1) <= index
    ]
    innermost = [
        (start, end)
        for start, end in loops
        if not any(start <= other <= last <= end and (other, last) != (start, end) for other, last in loops)
    ]
    return [
        Loop(tuple(line for line in body[start : end + 1] if not _LABEL.fullmatch(line))) for start, end in innermost
    ]


def _loaded(instruction: str) -> int:
    load = _VECTOR_LOAD.match(instruction)
    if load is None:
        return 0
    if load[3]:
        return _VECTOR_BYTES * len(load[4].split(","))
    return _VECTOR_BYTES * (2 if load[1] == "ldp" else 1)
