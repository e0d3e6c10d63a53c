"""Fewer wake-ups per response: the kernel is told how much is worth waking up for."""

from __future__ import annotations

import contextlib
import socket
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio

OVERDUE_SECONDS = 0.2
"""After so long what is there is read as it comes, whatever the kernel thinks."""

MARK_BYTES = 256 * 1024
"""With more, broker and consumer wait for each other: about twice as long, for a few per cent less CPU time."""


class LowWater:
    """The low-water mark of a plain TCP socket on Linux (`SO_RCVLOWAT`). Elsewhere nothing happens.

    A response of 8 MiB takes fewer reads and wake-ups over loopback. It is not for TLS, of which the socket has other
    bytes than the response; nor for other systems, whose buffers may be full below the mark. Linux lets the buffer grow
    to the mark, and wakes up below it where no more fits. Nothing depends on that: the mark is never above what is
    missing, and is taken away if that takes too long.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        plain = sys.platform == "linux" and transport.get_extra_info("sslcontext") is None
        self._socket: socket.socket | None = transport.get_extra_info("socket") if plain else None
        self._overdue: asyncio.TimerHandle | None = None

    def begin(self, missing_bytes: int) -> None:
        """So much of a response is missing."""
        if self._socket is not None:
            self._overdue = self._loop.call_later(OVERDUE_SECONDS, self._read_what_is_there)
            self._set(missing_bytes)

    def go_on(self, missing_bytes: int) -> None:
        """So much is still missing."""
        if self._overdue is not None:
            self._set(missing_bytes)

    def end(self) -> None:
        """All is there, or nothing more will come."""
        if self._overdue is not None:
            self._overdue.cancel()
            self._overdue = None
            self._set(1)

    def _read_what_is_there(self) -> None:
        self.end()
        if not self._transport.is_closing():
            # Makes the loop look whether there is something, which a kernel need not do for a new mark.
            self._transport.pause_reading()
            self._transport.resume_reading()

    def _set(self, mark_bytes: int) -> None:
        # It may be closed, and nothing is lost without the mark.
        with contextlib.suppress(OSError):
            if self._socket is not None:
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, min(mark_bytes, MARK_BYTES))
