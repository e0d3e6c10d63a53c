"""The seam to where a table's files lie. Every call blocks: the daemon makes them in its storage executor.

Two promises carry the commit protocol: a name appears with its whole content, made by one writer only, and its content
never changes afterwards. Names are relative, with `/` between folders; a table's data files are flat in the root.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Protocol

from penstock.errors import GaveUpError, UnavailableError

if TYPE_CHECKING:
    from typing import BinaryIO

    from typing_extensions import Buffer

    from penstock.errors import PenstockError


class OutageError(GaveUpError):
    """The storage failed in a way that may pass: a full disk, an I/O error. Drop the file, wait, write it again."""


class FileLostError(OutageError):
    """The unpublished file itself is gone or can't be trusted: publishing it again is of no use."""


class UnpublishedFile(Protocol):
    """A file being written that no reader sees. Not safe for several threads at once."""

    def write(self, data: Buffer) -> None:
        """Append. After an error the file is lost: `discard` it."""

    def sync(self) -> None:
        """Return when all of it is durable. An error means that the file is lost; a second try would lie."""

    def discard(self) -> None:
        """Remove the unpublished name and free what it holds; also right after `publish`. Never raises; idempotent."""


class Storage(Protocol):
    """One table's place. Errors: `OutageError` may pass, `UnavailableError` needs a human."""

    @property
    def location(self) -> str:
        """How messages name it."""

    def create_if_absent(self, name: str, content: bytes) -> bool:
        """Create `name`, durable, and return True; False if it is there already (and durable)."""

    def read(self, name: str) -> bytes | None:
        """The content, None if there is no such name."""

    def open(self, name: str) -> BinaryIO:
        """For random reads."""

    def names(self, prefix: str) -> list[str]:
        """Sorted names that begin with `prefix`, of one folder. They are durable; the newest may be missing."""

    def open_unpublished(self, name: str, attempt: str) -> UnpublishedFile:
        """Begin a file that may become `name`; `attempt` is unique to this try."""

    def publish(self, file: UnpublishedFile, name: str) -> bool:
        """Make a synced `file` visible as `name` and durable; False if `name` is there already.

        `OutageError`: it may be visible or not, only looking tells. `FileLostError`: it is not and can't become so.
        """

    def remove_abandoned(self, prefix: str) -> list[str]:
        """Remove unpublished files for names with `prefix` whose writers are dead; never those of the living."""


_OUTAGES = {
    errno.ENOSPC: "the disk is full. Free some space",
    errno.EDQUOT: "the disk quota is used up. Raise it or free some space",
    errno.EIO: "the disk reports an I/O error. Look at the system log",
    errno.EMFILE: "too many files are open. Raise the limit (ulimit -n)",
    errno.ENFILE: "too many files are open on this machine. Raise fs.file-max",
    errno.ENOMEM: "the system is out of memory",
    errno.ESTALE: "the network file system lost its handle",
    errno.ETIMEDOUT: "the network file system does not answer",
    errno.EBUSY: "the file system is busy",
    errno.EAGAIN: "the file system is busy",
}

_UNAVAILABLE = {
    errno.EROFS: "the file system is read-only. Mount it writable, or choose another path",
    errno.EACCES: "permission denied. Let this user read and write there, or choose another path",
    errno.EPERM: "the file system does not permit this (no hard links, or an immutable folder). Choose another path",
    errno.EOPNOTSUPP: "the file system can't do this (no hard links). Choose another path",
    errno.EMLINK: "the file system has no hard links. Choose another path",
    errno.ENOTDIR: "a part of the path is not a folder. Choose another path",
    errno.EISDIR: "a folder is in the way. Move it",
    errno.ELOOP: "a symbolic link is where a file or folder of the table must be. Replace it",
    errno.ENOENT: "it is gone. Was the folder moved, removed or unmounted?",
    errno.ENAMETOOLONG: "the name is too long for this file system. Choose a shorter path",
    errno.EFBIG: "the file is too large. Raise the limit (ulimit -f) or lower sink.cut.bytes",
}


def storage_error(location: str, error: OSError) -> PenstockError:
    """What `error` at `location` means for the caller: an `OutageError`, or an `UnavailableError`."""
    if error.errno in _OUTAGES:
        return OutageError(f"{location}: {_OUTAGES[error.errno]}.")
    explained = _UNAVAILABLE.get(error.errno or 0)
    return UnavailableError(f"{location}: {explained or error.strerror or error}.")
