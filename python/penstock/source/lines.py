"""Blocks of bytes to whole lines, LF or CRLF. Blank lines are no records; a last line without LF is one."""

from __future__ import annotations

import sys

from penstock._native import count_lines
from penstock.batch import RawLines

BLOCK_BYTES = 1024 * 1024
NOTHING = RawLines(b"", 0)


class Lines:
    """Cuts a stream that comes in blocks of at most `BLOCK_BYTES` where lines end. It makes no object per line.

    A line longer than a block and than `max_bytes` is cut to a little more than the larger of the two, however long it
    is: so memory is bounded, and the decoder still finds it too large.
    """

    def __init__(self, max_bytes: int) -> None:
        # Two more than what is accepted: one may be a CR, which is taken away.
        self._kept_bytes = max(max_bytes, BLOCK_BYTES) + 2
        self._held: list[bytes] = []
        """Pieces of the line whose end has not come yet."""
        self._held_bytes = 0

    def feed(self, block: bytes) -> bytes | memoryview:
        """The lines that end in `block`, whole."""
        end = block.rfind(b"\n") + 1
        if not end:
            self._hold(block)
            return b""
        whole: bytes | memoryview = memoryview(block)[:end]
        if self._held:
            first = block.index(b"\n")
            self._hold(block[:first])  # Not all of it, if the line is too long.
            held = self._release()
            whole = b"".join((held, memoryview(block)[first:end]))
        self._hold(block[end:])
        return whole

    def end(self) -> bytes:
        """The stream ends: the line without LF, if there is one."""
        return self._release()

    def _hold(self, piece: bytes) -> None:
        kept = piece[: self._kept_bytes - self._held_bytes]
        if kept:
            self._held.append(kept)
            self._held_bytes += len(kept)

    def _release(self) -> bytes:
        line = b"".join(self._held)
        self._held, self._held_bytes = [], 0
        return line


def counted(data: bytes | memoryview) -> RawLines:
    """All records of whole lines."""
    return RawLines(data, count_lines(data, sys.maxsize)[0])


def records_of(data: bytes | memoryview) -> list[bytes]:
    """Each record by itself: for a few of them."""
    stripped = (line.removesuffix(b"\r") for line in bytes(data).split(b"\n"))
    return [line for line in stripped if line]
