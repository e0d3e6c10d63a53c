"""Blocks of bytes to records: one per line, LF or CRLF. Blank lines are no records; a last line without LF is one."""

from __future__ import annotations

BLOCK_BYTES = 1024 * 1024


class Lines:
    """Cuts a stream that comes in blocks of at most `BLOCK_BYTES`. One `bytes` per record, and nothing else per record.

    A line longer than a block and than `max_bytes` is cut to a little more than the larger of the two, however long it
    is: so memory is bounded, and the decoder still finds it too large.
    """

    def __init__(self, max_bytes: int) -> None:
        # Two more than what is accepted: one may be a CR, which is taken away.
        self._kept_bytes = max(max_bytes, BLOCK_BYTES) + 2
        self._held: list[bytes] = []
        """Pieces of the line whose end has not come yet."""
        self._held_bytes = 0

    def feed(self, block: bytes) -> list[bytes]:
        """The records that end in `block`, in order."""
        lines = block.split(b"\n")
        last = lines.pop()
        if lines and self._held:
            self._hold(lines[0])
            lines[0] = self._release()
        self._hold(last)
        if b"\r" in block and b"\r\n" in block:  # one byte is searched for eight times as fast as two
            lines = [line[:-1] if line.endswith(b"\r") else line for line in lines]
        elif lines and lines[0].endswith(b"\r"):  # its LF began the block
            lines[0] = lines[0][:-1]
        return list(filter(None, lines)) if b"" in lines else lines

    def count(self, block: bytes) -> int:
        """How many records end in `block`; they are passed over without being made."""
        if block[:1] in (b"\n", b"\r") or b"\n\n" in block or b"\n\r\n" in block:
            return len(self.feed(block))
        last = block.rfind(b"\n") + 1
        if last:
            self._held, self._held_bytes = [], 0
        self._hold(block[last:])
        return block.count(b"\n")

    def end(self) -> list[bytes]:
        """The stream ends: the record without LF, if there is one."""
        line = self._release().removesuffix(b"\r")
        return [line] if line else []

    def _hold(self, piece: bytes) -> None:
        kept = piece[: self._kept_bytes - self._held_bytes]
        if kept:
            self._held.append(kept)
            self._held_bytes += len(kept)

    def _release(self) -> bytes:
        line = b"".join(self._held)
        self._held, self._held_bytes = [], 0
        return line
