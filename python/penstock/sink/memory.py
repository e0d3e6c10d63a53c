"""`Storage` in memory, for tests: the promises of the real one, without its failures."""

from __future__ import annotations

import io
import threading
from typing import TYPE_CHECKING

from penstock.errors import InternalError, UnavailableError

if TYPE_CHECKING:
    from typing import BinaryIO

    from typing_extensions import Buffer

    from penstock.sink.storage import UnpublishedFile


class MemoryFile:
    """An `UnpublishedFile`."""

    def __init__(self) -> None:
        self.content = bytearray()

    def write(self, data: Buffer) -> None:
        """See `UnpublishedFile`."""
        self.content += memoryview(data).cast("B")

    def sync(self) -> None:
        """See `UnpublishedFile`."""

    def discard(self) -> None:
        """See `UnpublishedFile`."""
        self.content = bytearray()


class MemoryStorage:
    """One table's files by name. Thread-safe."""

    def __init__(self, location: str) -> None:
        """`location` is how messages name it."""
        self.location = location
        self._files: dict[str, bytes] = {}
        self._lock = threading.Lock()

    def create_if_absent(self, name: str, content: bytes) -> bool:
        """See `Storage`."""
        with self._lock:
            return self._files.setdefault(name, content) is content

    def read(self, name: str) -> bytes | None:
        """See `Storage`."""
        with self._lock:
            return self._files.get(name)

    def open(self, name: str) -> BinaryIO:
        """See `Storage`."""
        content = self.read(name)
        if content is None:
            raise UnavailableError(f"{self.location}/{name}: there is no such file.")
        return io.BytesIO(content)

    def names(self, prefix: str) -> list[str]:
        """See `Storage`."""
        folder = prefix.rpartition("/")[0]
        with self._lock:
            return sorted(n for n in self._files if n.startswith(prefix) and n.rpartition("/")[0] == folder)

    def open_unpublished(self, name: str, attempt: str) -> MemoryFile:  # noqa: ARG002 - see `Storage`
        """See `Storage`."""
        return MemoryFile()

    def publish(self, file: UnpublishedFile, name: str) -> bool:
        """See `Storage`."""
        if not isinstance(file, MemoryFile):
            raise InternalError(f"{self.location}: a file of another storage can't be published here.")
        return self.create_if_absent(name, bytes(file.content))

    def remove_abandoned(self, prefix: str) -> list[str]:  # noqa: ARG002 - see `Storage`
        """Nothing: what is not published has no name."""
        return []
