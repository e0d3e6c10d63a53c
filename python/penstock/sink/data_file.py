"""A data file being written: its chunks go to storage as they are encoded, so that memory stays bounded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from penstock.errors import InternalError
from penstock.failpoint import reach

if TYPE_CHECKING:
    from collections.abc import Iterable

    from typing_extensions import Buffer

    from penstock.sink.storage import Storage


class DataFile:
    """One file of one table, invisible until it is published. Every call blocks; one thread at a time.

    `append` as often as there are chunks, `finish`, `publish` (again after an `OutageError`, if it turned out not to
    be visible), and always `discard` in the end. Errors of `append` and `finish` lose the file.
    """

    def __init__(self, storage: Storage, name: str, attempt: str) -> None:
        """Begin a file that may become `name`. `attempt` is the commit id: no other file ever has the same."""
        self.bytes_written = 0
        self._storage = storage
        self._name = f"{storage.location}/{name}"
        self._file = storage.open_unpublished(name, attempt)

    def append(self, chunks: Iterable[Buffer], *, start: int) -> None:
        """Write the next bytes; `start` is where in the file they belong.

        `InternalError` if that is not its end: a file with bytes of another must never be seen.
        """
        if start != self.bytes_written:
            self.discard()
            raise InternalError(
                f"{self._name}: bytes from {start} on can't follow the {self.bytes_written} that are written. The file "
                "was dropped and was never visible; it is safe to start again. Please report this."
            )
        for chunk in chunks:
            with memoryview(chunk) as view:
                self._file.write(view)
                self.bytes_written += view.nbytes
            reach("mid_file_write")

    def finish(self) -> None:
        """No more bytes; when this returns they are durable."""
        self._file.sync()

    def publish(self, name: str) -> bool:
        """Make it visible as `name`; False if another file has that name. See `Storage.publish`."""
        return self._storage.publish(self._file, name)

    def discard(self) -> None:
        """Free it: what was published stays, what was not is gone. Never raises; idempotent."""
        self._file.discard()
