"""Which file it is, over renames, growth and restarts.

A file is its device, its inode and its *head*: what is decompressed from its beginning, up to the end of the first line
that is not blank, at most 4 KiB. The head stays as it is while lines are appended; a file that was rewritten from the
start, or an inode that another file got, has another one. The three are the topic id, 8 + 12 + 12 hexadecimal digits of
their digests, so that a table's commits tell which file they are of:

- same device, inode and head: the same file. Under another path it was renamed, and keeps its first name in the table.
- same path, inode and head, another device: the same file. Device numbers may change when a file system is mounted.
- same path and head, another inode: a copy took the file's place (an editor, rsync, a restored backup). Its records
  may be in the table already, or not: that is a fault, not a guess.
- anything else is another file, read from its beginning, also under a path that another file had (log rotation).
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from penstock.batch import Partition
from penstock.errors import PositionError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from penstock.source.compressed import Stream

CLUSTER_ID = "files"
HEAD_BYTES = 4096
_DEVICE, _INODE, _HEAD = slice(0, 8), slice(8, 20), slice(20, 32)


@dataclass(frozen=True, slots=True)
class FileIdentity:
    """One file as it was found: `path` to open it, `partition` as the table knows it."""

    path: str
    device: int
    inode: int
    partition: Partition


def identify(path: str, status: os.stat_result, head: bytes) -> FileIdentity:
    """The identity of a file that the table has not seen yet."""
    shown = os.fsencode(os.path.abspath(path)).decode("utf-8", "backslashreplace")  # noqa: PTH100 - no links are followed
    topic_id = _digest(status.st_dev, 8) + _digest(status.st_ino, 12) + _digest(head, 12)
    return FileIdentity(path, status.st_dev, status.st_ino, Partition(CLUSTER_ID, shown, topic_id, 0))


def read_head(stream: Stream) -> bytes:
    """What identifies the content. Without its line end, so that a last line that gets one stays what it is."""
    head = b""
    while len(head) < HEAD_BYTES and b"\n" not in head:
        block = stream.read(HEAD_BYTES - len(head))
        if not block:
            break
        head = (head + block).lstrip(b"\r\n")
    return head.partition(b"\n")[0].removesuffix(b"\r")


def recognise(found: FileIdentity, topics: Mapping[str, str]) -> FileIdentity:
    """`found` as the table knows it: `topics` are its topic ids and their names. `PositionError` for a copy."""
    own = found.partition
    known = topics.get(own.topic_id)
    if known is not None:
        return replace(found, partition=own._replace(topic=known))
    if own.topic_id[_HEAD] == _digest(b"", 12):
        return found  # It has no record yet, so nothing of it can be in the table.
    for topic_id, topic in topics.items():
        if topic != own.topic or topic_id[_HEAD] != own.topic_id[_HEAD]:
            continue
        if topic_id[_INODE] == own.topic_id[_INODE]:
            return replace(found, partition=own._replace(topic_id=topic_id))
        raise PositionError(
            f"{found.path} begins like the file of this name that the table has records of, and is another file now "
            "(inode): a copy took its place. Put the first file back; or, if the records of this one are not in the "
            "table yet, give it another name."
        )
    return found


def _digest(value: int | bytes, digits: int) -> str:
    content = value if isinstance(value, bytes) else str(value).encode()
    return hashlib.sha256(content).hexdigest()[:digits]
