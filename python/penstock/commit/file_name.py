"""Names of the files of a Parquet directory: `<topic>-<partition:05>-<topic id>-<start:020>.parquet`.

The name is the lock: one partition's commits that begin at one offset have one name. Read it from the right, as topics
may hold dots, dashes and underscores; the topic id is 32 hexadecimal digits, since Kafka's base64 form may hold dashes.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from penstock.batch import Partition

_LONGEST_TOPIC = 128
"""Kafka's 249 and the rest of a temporary file's name do not fit into the 255 bytes of a file name."""

_NOT_OF_TOPICS = re.compile(r"[^A-Za-z0-9._-]")
_DATA_FILE = re.compile(r"(?P<topic>.+)-(?P<number>\d{5,10})-(?P<topic_id>[0-9a-f]{32})-(?P<start>\d{20})\.parquet")


class FileName(NamedTuple):
    """What a data file's name says. `topic` is as in the name: see `topic_part`."""

    topic: str
    number: int
    topic_id: str
    start: int


def topic_part(topic: str) -> str:
    """The topic as file names carry it: itself, but for two cases marked by characters that no topic has.

    Very long ones are cut and get a digest. Where the first character would hide the file from its readers (Arrow and
    Spark skip `_` and `.`) a `!` goes before it. A path (of a file source) is its last part, other characters than
    topics have replaced, and a digest of all of it.
    """
    if "/" in topic:
        plain = _NOT_OF_TOPICS.sub("_", topic.rpartition("/")[2]).lstrip("._")
        return f"{plain[: _LONGEST_TOPIC - 17]}~{_digest(topic)}"
    shown = f"!{topic}" if topic.startswith((".", "_")) else topic
    if len(shown) <= _LONGEST_TOPIC:
        return shown
    return f"{shown[: _LONGEST_TOPIC - 17]}~{_digest(topic)}"


def _digest(topic: str) -> str:
    return hashlib.sha256(topic.encode()).hexdigest()[:16]


def partition_part(partition: Partition) -> str:
    """What all files of `partition` begin with, before the last dash."""
    return f"{topic_part(partition.topic)}-{partition.number:05}-{partition.topic_id}"


def data_file(partition: Partition, start: int) -> str:
    """The name of the commit of `partition` that begins at `start`."""
    return f"{partition_part(partition)}-{start:020}.parquet"


def parse(name: str) -> FileName | None:
    """None if `name` is not that of a data file."""
    found = _DATA_FILE.fullmatch(name)
    if found is None:
        return None
    return FileName(found["topic"], int(found["number"]), found["topic_id"], int(found["start"]))
