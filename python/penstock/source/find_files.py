"""From the paths and patterns of `[source] path` to the files there are."""

from __future__ import annotations

import glob
import os
import stat
from typing import TYPE_CHECKING

from penstock.errors import ConfigError, UnavailableError
from penstock.source.compressed import DamagedError, decompressed
from penstock.source.file_identity import identify, read_head
from penstock.telemetry.log import get_logger

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from penstock.source.file_identity import FileIdentity

log = get_logger("penstock.source")


def find_files(patterns: Sequence[str]) -> list[FileIdentity]:
    """Every file that a path or pattern names, in the order of the patterns, sorted within each; each file once.

    Blocks. `UnavailableError`: a path or pattern that finds nothing, a file that can't be read. `ConfigError`: a folder
    or device where a file must be.
    """
    found: dict[tuple[int, int], FileIdentity] = {}
    for path in (path for pattern in patterns for path in _matches(pattern)):
        file = _identify(path)
        first = found.setdefault((file.device, file.inode), file)
        if first is not file and first.path != file.path:
            log.warning("A file is there under two paths; it is read once.", path=first.path, other=file.path)
    return list(found.values())


def _matches(pattern: str) -> Iterator[str]:
    if os.path.lexists(pattern) or not glob.has_magic(pattern):
        yield pattern
        return
    # Folders that a pattern happens to match are passed over, `**` matches them all.
    matches = sorted(path for path in glob.iglob(pattern, recursive=True) if not os.path.isdir(path))  # noqa: PTH112, PTH207
    if not matches:
        raise UnavailableError(f"source.path: no file matches {pattern}. Check the pattern and the current directory.")
    yield from matches


def _identify(path: str) -> FileIdentity:
    try:
        with open(path, "rb", buffering=0, opener=opener) as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise _not_a_file(path, status.st_mode)
            try:
                head = read_head(decompressed(file, path))
            except DamagedError:
                head = b""  # Said again where it is read, with how many records are good.
    except OSError as error:
        raise file_error(path, error) from error
    return identify(path, status, head)


def opener(path: str, flags: int) -> int:
    """Without waiting for the writer of a named pipe."""
    return os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC)


def _not_a_file(path: str, mode: int) -> ConfigError:
    if stat.S_ISDIR(mode):
        return ConfigError(f'source.path: {path} is a folder. Name its files, like "{path.rstrip("/")}/*.ndjson".')
    return ConfigError(f'source.path: {path} is not a regular file. To read from a pipe, write "-" and pipe it in.')


def file_error(path: str, error: OSError) -> UnavailableError | ConfigError:
    """What an `OSError` means to whoever named the file."""
    if isinstance(error, IsADirectoryError):
        return _not_a_file(path, stat.S_IFDIR)
    if isinstance(error, FileNotFoundError):
        return UnavailableError(f"source.path: {path} does not exist. Check the path and the current directory.")
    if isinstance(error, PermissionError):
        return UnavailableError(f"source.path: {path} can't be read: permission denied. Let this user read it.")
    return UnavailableError(f"source.path: {path} can't be read: {error.strerror or error}.")
