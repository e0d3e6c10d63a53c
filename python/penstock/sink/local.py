"""`Storage` on a local file system: temporary file, fsync, `link`, fsync of the folder.

`link` fails where the name exists, on every POSIX file system, so it has one winner among threads, processes and
machines. Folders are made 0700, files 0600. A writer holds a lock (flock) on its temporary file; one whose lock can be
taken has no writer any more. Correctness never depends on that lock: who lost a temporary file publishes nothing.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import uuid
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from penstock.errors import InternalError, UnavailableError
from penstock.sink.storage import FileLostError, storage_error

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from typing_extensions import Buffer

    from penstock.sink.storage import UnpublishedFile

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_NO_LOCKS = {errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL}


class LocalFile:
    """A temporary file in the table's root, locked while this process may still publish it."""

    def __init__(self, storage: LocalStorage, folder: str, name: str, descriptor: int) -> None:
        """Takes over `descriptor`."""
        self.folder = folder
        self.name = name
        self.synced = False
        self._storage = storage
        self._descriptor: int | None = descriptor

    def lock(self) -> bool:
        """Wait for the lock; False if the name was removed meanwhile. Without locks in the file system: True."""
        with self._guarded() as descriptor:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            except OSError as error:
                if error.errno not in _NO_LOCKS:
                    raise
            return os.fstat(descriptor).st_nlink > 0

    def write(self, data: Buffer) -> None:
        """See `UnpublishedFile`."""
        self.synced = False
        with self._guarded() as descriptor, memoryview(data) as view, view.cast("B") as rest:
            done = 0
            while done < len(rest):
                done += os.write(descriptor, rest[done:])

    def sync(self) -> None:
        """See `UnpublishedFile`."""
        with self._guarded() as descriptor:
            os.fsync(descriptor)
        self.synced = True

    def discard(self) -> None:
        """See `UnpublishedFile`."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is None:
            return
        self.synced = False
        # Remove, then unlock: the other way round a sweep could meet our name with another's file behind it.
        with suppress(OSError, UnavailableError), self._storage.folder(self.folder) as folder:
            os.unlink(self.name, dir_fd=folder)
        with suppress(OSError):
            os.close(descriptor)

    @contextmanager
    def _guarded(self) -> Iterator[int]:
        """The descriptor; any error loses the file, as the kernel may have dropped the pages it could not write."""
        if self._descriptor is None:
            raise FileLostError(f"{self._storage.location}/{self.name}: the file was already given up.")
        try:
            yield self._descriptor
        except OSError as error:
            self.discard()
            raise storage_error(f"{self._storage.location}/{self.name}", error) from error


class LocalStorage:
    """One folder. Safe for several threads and processes; nothing is done before the first call."""

    def __init__(self, path: str | Path) -> None:
        """`path` may be a symbolic link to a folder; it is followed once, here."""
        self.root = Path(os.path.realpath(path))
        self._identity: tuple[int, int] | None = None

    @property
    def location(self) -> str:
        """See `Storage`."""
        return str(self.root)

    def make(self) -> None:
        """Make the folder and its missing parents; `UnavailableError` if it can't be written."""
        with self._errors():
            missing = [path for path in (self.root, *self.root.parents) if not path.exists()]
            for path in reversed(missing):
                with suppress(FileExistsError):
                    path.mkdir(0o700)
                _sync_folder_at(path.parent)
        self.check()
        if not os.access(self.root, os.R_OK | os.W_OK | os.X_OK):
            raise UnavailableError(f"{self.root} is not writable. Let this user write there, or choose another path.")

    def check(self) -> None:
        """Raise `UnavailableError` unless the folder exists and can be read."""
        with self._errors():
            if not self.root.exists():
                raise UnavailableError(f"{self.root} does not exist. Check the path.")
            if not self.root.is_dir():
                raise UnavailableError(f"{self.root} is not a folder. Choose another path.")
            with self.folder(""):
                pass

    def create_if_absent(self, name: str, content: bytes) -> bool:
        """See `Storage`."""
        with self._errors(name):
            self._make_folders(name)
        file = self.open_unpublished(name, uuid.uuid4().hex)
        try:
            file.write(content)
            file.sync()
            return self._link(file, name)
        finally:
            file.discard()

    def read(self, name: str) -> bytes | None:
        """See `Storage`."""
        try:
            with self._errors(name), self._open(name) as file:
                return file.read()
        except _AbsentError:
            return None

    def open(self, name: str) -> BinaryIO:
        """See `Storage`."""
        with self._errors(name):
            return self._open(name)

    def names(self, prefix: str) -> list[str]:
        """See `Storage`. Unpublished files are listed only where `prefix` is empty or begins with a dot."""
        folder, start = _split(prefix)
        try:
            with self._errors(prefix), self.folder(folder) as descriptor:
                _sync_folder(descriptor)
                with os.scandir(descriptor) as entries:
                    found = [entry.name for entry in entries if entry.name.startswith(start) and _is_file(entry)]
        except _AbsentError:
            return []
        return sorted(f"{folder}/{name}" if folder else name for name in found)

    def open_unpublished(self, name: str, attempt: str) -> LocalFile:
        """See `Storage`."""
        folder, leaf = _split(name)
        temporary = f".{leaf}.{attempt}.tmp"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        while True:
            with self._errors(name), self.folder(folder) as descriptor:
                file = LocalFile(self, folder, temporary, os.open(temporary, flags, 0o600, dir_fd=descriptor))
            # A sweep that came between creation and lock has removed the file by the time the lock is ours.
            if file.lock():
                return file
            file.discard()

    def publish(self, file: UnpublishedFile, name: str) -> bool:
        """See `Storage`."""
        if not isinstance(file, LocalFile):
            raise InternalError(f"{self.location}: a file of another storage can't be published here.")
        return self._link(file, name)

    def remove_abandoned(self, prefix: str) -> list[str]:
        """See `Storage`."""
        folder, start = _split(prefix)
        hidden = f"{folder}/.{start}" if folder else f".{start}"
        removed = []
        for name in self.names(hidden):
            if name.endswith(".tmp"):
                with self._errors(name), self.folder(folder) as descriptor:
                    if _remove_if_abandoned(_split(name)[1], descriptor):
                        removed.append(name)
        return removed

    @contextmanager
    def folder(self, folder: str) -> Iterator[int]:
        """A descriptor of a folder of the table. Raises `OSError`.

        Names are used relative to it, so that no call reaches a folder that took the place of ours meanwhile (a mount
        that came or went, a rename), nor one that a symbolic link names.
        """
        descriptors = []
        try:
            descriptors.append(os.open(self.root, _FOLDER))
            status = os.fstat(descriptors[0])
            self._identity = self._identity or (status.st_dev, status.st_ino)
            if self._identity != (status.st_dev, status.st_ino):
                raise UnavailableError(
                    f"{self.root} is not the folder it was when this process began: it was mounted over, unmounted or "
                    "replaced. Put it back and start again."
                )
            for part in filter(None, folder.split("/")):
                descriptors.append(os.open(part, _FOLDER | os.O_NOFOLLOW, dir_fd=descriptors[-1]))
            yield descriptors[-1]
        finally:
            for descriptor in descriptors:
                os.close(descriptor)

    def _make_folders(self, name: str) -> None:
        parts = name.split("/")[:-1]
        for depth, part in enumerate(parts):
            with self.folder("/".join(parts[:depth])) as descriptor:
                with suppress(FileExistsError):
                    os.mkdir(part, 0o700, dir_fd=descriptor)
                _sync_folder(descriptor)

    def _link(self, file: LocalFile, name: str) -> bool:
        """`publish`: link, then make the folder durable, whoever made the name."""
        folder, leaf = _split(name)
        if folder != file.folder or not file.synced:
            raise InternalError(f"{self.location}/{name}: published before it was synced, or from another folder.")
        with self._errors(name), self.folder(folder) as descriptor:
            try:
                os.link(file.name, leaf, src_dir_fd=descriptor, dst_dir_fd=descriptor, follow_symlinks=False)
            except FileExistsError:
                created = False
            except FileNotFoundError as error:
                raise FileLostError(f"{self.location}/{file.name}: somebody removed this unfinished file.") from error
            else:
                created = True
            _sync_folder(descriptor)
            if not created and not _is_regular(leaf, descriptor):
                raise UnavailableError(f"{self.location}/{name} is in the way: not a file. Move it elsewhere.")
        return created

    def _open(self, name: str) -> BinaryIO:
        folder, leaf = _split(name)
        with self.folder(folder) as descriptor:
            file = os.open(leaf, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK, dir_fd=descriptor)
        if not stat.S_ISREG(os.fstat(file).st_mode):
            os.close(file)
            raise UnavailableError(f"{self.location}/{name} is in the way: not a file. Move it elsewhere.")
        return os.fdopen(file, "rb")

    @contextmanager
    def _errors(self, name: str = "") -> Iterator[None]:
        """Say what an `OSError` means."""
        where = f"{self.location}/{name}" if name else self.location
        try:
            yield
        except FileNotFoundError as error:
            # The root is checked apart: a table that vanished must never look like an empty one.
            if self.root.is_dir():
                raise _AbsentError(f"{where}: there is no such file.") from error
            raise storage_error(self.location, error) from error
        except OSError as error:
            raise storage_error(where, error) from error


def open_local(path: str | Path) -> LocalStorage:
    """The folder at `path`, made if it is not there. Raises `UnavailableError`."""
    storage = LocalStorage(path)
    storage.make()
    return storage


class _AbsentError(UnavailableError):
    """The folder is there, the name is not."""


def _split(name: str) -> tuple[str, str]:
    folder, _, leaf = name.rpartition("/")
    return folder, leaf


def _is_file(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_file()
    except OSError:
        return False


def _is_regular(leaf: str, folder: int) -> bool:
    try:
        return stat.S_ISREG(os.stat(leaf, dir_fd=folder).st_mode)
    except FileNotFoundError:
        return False


def _sync_folder_at(path: Path) -> None:
    descriptor = os.open(path, _FOLDER)
    try:
        _sync_folder(descriptor)
    finally:
        os.close(descriptor)


def _sync_folder(descriptor: int) -> None:
    """Make the folder's names durable; a file system that has no such call (EINVAL) does so by itself."""
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise


def _remove_if_abandoned(leaf: str, folder: int) -> bool:
    """Remove a temporary file if its lock is free. Only the holder of the lock removes, so the name is still its."""
    try:
        descriptor = os.open(leaf, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, dir_fd=folder)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        held, named = os.fstat(descriptor), os.stat(leaf, dir_fd=folder, follow_symlinks=False)
        if (held.st_dev, held.st_ino) != (named.st_dev, named.st_ino):
            return False
        os.unlink(leaf, dir_fd=folder)
    except OSError:
        return False
    else:
        return True
    finally:
        os.close(descriptor)
