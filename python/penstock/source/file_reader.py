"""Records of one file, block by block. Everything blocks: the source calls it in a thread, one call at a time."""

from __future__ import annotations

import os
import select
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Protocol

from penstock._native import count_lines
from penstock.errors import PositionError, UnavailableError
from penstock.source.compressed import DamagedError, decompressed
from penstock.source.find_files import file_error, opener
from penstock.source.lines import BLOCK_BYTES, NOTHING, Lines, counted, records_of

if TYPE_CHECKING:
    from penstock.batch import RawLines
    from penstock.errors import PenstockError
    from penstock.source.compressed import Stream
    from penstock.source.file_identity import FileIdentity

_STDIN = 0


@dataclass(frozen=True, slots=True)
class Block:
    """Records in order, perhaps none. `last`: nothing follows; with a `fault`, because it can't be read on."""

    records: RawLines
    last: bool = False
    fault: PenstockError | None = None


class Reader(Protocol):
    """One partition's records from an offset on."""

    hint: str | None
    """What may explain that nothing of it can be decoded; known after the first `read`."""

    def read(self) -> Block:
        """The next records; waits for at least one, or the end."""

    def close(self) -> None:
        """Free it. `read` must not be running, and not be called again."""


class FileReader:
    """A regular file. Records before `offset` are counted, not made."""

    def __init__(self, file: FileIdentity, offset: int, max_bytes: int) -> None:
        """Opens nothing yet."""
        self.hint: str | None = None
        self._identity = file
        self._offset = offset
        self._passed = 0
        """Records before `offset` that were passed over."""
        self._good = 0
        """Records that were read, passed over or not."""
        self._bytes = 0
        self._lines = Lines(max_bytes)
        self._file: BinaryIO | None = None
        self._stream: Stream

    def read(self) -> Block:
        """See `Reader`."""
        try:
            self._open()
            while block := self._stream.read(BLOCK_BYTES):
                if not self._bytes:
                    self.hint = _hint(block)
                self._bytes += len(block)
                records = self._wanted(self._lines.feed(block))
                if records.count:
                    return Block(records)
            return self._end()
        except DamagedError as error:
            return Block(NOTHING, last=True, fault=self._damaged(error))
        except OSError as error:
            return Block(NOTHING, last=True, fault=file_error(self._identity.path, error))
        except PositionError as error:
            return Block(NOTHING, last=True, fault=error)

    def close(self) -> None:
        """See `Reader`."""
        if self._file is not None:
            with suppress(OSError):
                self._file.close()

    def _open(self) -> None:
        if self._file is not None:
            return
        file = self._file = open(self._identity.path, "rb", buffering=0, opener=opener)  # noqa: SIM115 - see `close`
        status = os.fstat(file.fileno())
        if (status.st_dev, status.st_ino) != (self._identity.device, self._identity.inode):
            raise PositionError(
                f"{self._identity.path} was replaced while Penstock ran. Start again: it is looked at anew."
            )
        self._stream = decompressed(file, self._identity.path)

    def _wanted(self, data: bytes | memoryview) -> RawLines:
        """The records among these lines that are not passed over."""
        if self._passed < self._offset:
            passed, end = count_lines(data, self._offset - self._passed)
            self._passed += passed
            self._good += passed
            data = memoryview(data)[end:]
        records = counted(data)
        self._good += records.count
        return records

    def _end(self) -> Block:
        file, path = self._file, self._identity.path
        if file is not None and self._stream is file and os.fstat(file.fileno()).st_size < self._bytes:
            raise PositionError(f"{path} became shorter while it was read: only append to it, or write a new file.")
        records = self._wanted(self._lines.end())
        if self._passed < self._offset:
            raise PositionError(
                f"{path}: the table has {self._offset} records of it, and it has only {self._good} now: it was cut "
                "off or rewritten. Restore it, or give what is new another name."
            )
        return Block(records, last=True)

    def _damaged(self, error: DamagedError) -> UnavailableError:
        return UnavailableError(
            f"{self._identity.path}: {error}. The first {self._good} records are good and committed. Write the whole "
            "content over it (cp, not mv, so that it stays the same file) and run again: the rest follows."
        )


class StdinReader:
    """Standard input, which can be read once."""

    def __init__(self, max_bytes: int) -> None:
        """Reads nothing yet."""
        self.hint: str | None = None
        self._lines = Lines(max_bytes)
        self._first = True
        self._sampled: list[Block] = []
        """Read ahead by `sample`, not handed over yet."""
        self._wake, self._waker = os.pipe()

    def read(self) -> Block:
        """See `Reader`. Returns a last block also after `interrupt`."""
        return self._sampled.pop(0) if self._sampled else self._read()

    def sample(self, limit: int, most_bytes: int) -> list[bytes]:
        """The first records, at least `limit` or `most_bytes` of them if there are so many.

        `read` hands them over all the same.
        """
        found: list[bytes] = []
        while len(found) < limit and sum(map(len, found)) < most_bytes:
            self._sampled.append(self._read())
            found += records_of(self._sampled[-1].records.data)
            if self._sampled[-1].last:
                break
        return found

    def _read(self) -> Block:
        while True:
            try:
                ready, _, _ = select.select([_STDIN, self._wake], [], [])
                if self._wake in ready:
                    return Block(NOTHING, last=True)
                block = os.read(_STDIN, BLOCK_BYTES)
            except OSError as error:
                return Block(NOTHING, last=True, fault=UnavailableError(f"stdin can't be read: {error.strerror}."))
            if self._first:
                self.hint, self._first = _hint(block), False
            if not block:
                return Block(counted(self._lines.end()), last=True)
            records = counted(self._lines.feed(block))
            if records.count:
                return Block(records)

    def interrupt(self) -> None:
        """End a `read` that waits; may be called from any thread."""
        os.write(self._waker, b"x")

    def close(self) -> None:
        """See `Reader`."""
        for descriptor in (self._wake, self._waker):
            os.close(descriptor)


def _hint(block: bytes) -> str | None:
    """Why the file that begins with `block` may be no NDJSON at all."""
    if block.startswith((b"\x1f\x8b", b"\x28\xb5\x2f\xfd")):
        return "It looks compressed: its name must end in .gz or .zst."
    if b"\0" in block:
        return "It does not look like NDJSON (it has NUL bytes): is it a binary file?"
    try:
        block[: block.rfind(b"\n") + 1].decode()
    except UnicodeDecodeError:
        return "It does not look like NDJSON (it is not UTF-8): is it a binary file?"
    return None
