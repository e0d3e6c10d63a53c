"""Bytes of a file as they were before compression: gzip of several members, zstd of several frames, or plain."""

from __future__ import annotations

import sys
import zlib
from typing import TYPE_CHECKING, BinaryIO, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_INPUT_BYTES = 64 * 1024
"""Small, as what a decompressor made of its input before it met damage in it is lost."""


class DamagedError(Exception):
    """The compressed data are cut off or wrong. All that was read before is good."""


class Stream(Protocol):
    """What is read."""

    def read(self, size: int, /) -> bytes:
        """At least one byte and at most `size`; none at the end. `DamagedError`, `OSError`."""


class _Decompressor(Protocol):
    """One member or frame, as the standard library's newer modules have it."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class _Gzip:
    """zlib's decompressor with that interface."""

    def __init__(self) -> None:
        self._zlib = zlib.decompressobj(wbits=31)
        self.needs_input = True

    @property
    def eof(self) -> bool:
        return self._zlib.eof

    @property
    def unused_data(self) -> bytes:
        return self._zlib.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        found = self._zlib.decompress(self._zlib.unconsumed_tail + data, max_length)
        # A full answer may have left something inside, whether or not there is input left.
        self.needs_input = not self._zlib.unconsumed_tail and len(found) < max_length
        return found


class _Decompressed:
    """A `Stream` over a compressed file. What is in memory is bounded, whatever the ratio."""

    def __init__(self, file: Stream, make: Callable[[], _Decompressor]) -> None:
        self._file = file
        self._make = make
        self._decompressor: _Decompressor | None = None
        self._input = b""
        self._frames = 0

    def read(self, size: int, /) -> bytes:
        """See `Stream`."""
        while True:
            decompressor = self._decompressor or self._next_frame()
            if decompressor is None:
                return b""
            data = b""
            if decompressor.needs_input:
                data, self._input = self._input or self._file.read(_INPUT_BYTES), b""
                if not data:
                    raise DamagedError("it is cut off: the compressed data have no end")
            try:
                found = decompressor.decompress(data, size)
            except (zlib.error, zstd.ZstdError) as error:
                raise DamagedError(f"the compressed data are damaged ({error})") from error
            if decompressor.eof:
                self._input = decompressor.unused_data
                self._decompressor = None
            if found:
                return found

    def _next_frame(self) -> _Decompressor | None:
        data = self._input or self._file.read(_INPUT_BYTES)
        while self._frames and data and not data.strip(b"\0"):  # padding, as tapes and gzip have it
            data = self._file.read(_INPUT_BYTES)
        self._input = data.lstrip(b"\0") if self._frames else data
        if not data:
            return None
        self._frames += 1
        self._decompressor = self._make()
        return self._decompressor


def decompressed(file: BinaryIO, name: str) -> Stream:
    """`file` as its name's suffix says: `.gz`, `.zst`, or as it is."""
    if name.endswith(".gz"):
        return _Decompressed(file, _Gzip)
    if name.endswith(".zst"):
        return _Decompressed(file, zstd.ZstdDecompressor)
    return file
