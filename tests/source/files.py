"""Files of known records, and a job that reads them as its users do: a pipeline file and a process."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq

from tests.broker.daemon import Job
from tests.broker.records import ROW, Record, records
from tests.broker.source_log import Position, data_files

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

NO_KAFKA = dict.fromkeys(("brokers", "topics", "group", "start", "session_timeout", "fetch_mode"))


class FileJob(Job):
    """`Job` with a file source in place of Kafka."""

    def __init__(self, directory: Path) -> None:
        super().__init__("files", directory, "")
        self.files = directory / "files"
        self.files.mkdir()

    def reads(self, path: str | Sequence[str] = "*", **changes: Any) -> Path:
        """Write the pipeline file; `path` is relative to the folder of the files."""
        paths = [path] if isinstance(path, str) else path
        source = {**NO_KAFKA, "type": "file", "path": [str(self.files / each) for each in paths]}
        return self.configure(source=source, **changes)

    def write(self, name: str, content: Iterable[Record], *, append: bool = False) -> Path:
        """A file of `content`, compressed if the name says so, known to the log."""
        path = self.files / name
        kept = [replace(record, key=None) for record in content if record.value]
        data = b"".join((record.value or b"") + b"\n" for record in kept)
        start = sum(position.topic == str(path) for position in self.log.entries) if append else 0
        with path.open("ab" if append else "wb") as file:
            file.write(gzip.compress(data, 1) if name.endswith(".gz") else data)
        for number, record in enumerate(kept, start):
            self.log.add(Position(str(path), 0, number), record, None)
        return path


def troubled(count: int, seed: int) -> list[Record]:
    """Records of every kind that a line can hold."""
    return [record for record in records(count * 2, seed) if record.value][:count]


def large(count: int, seed: int) -> list[Record]:
    """Plain rows of 1.5 KB, so that few of them fill a block."""
    found = []
    for number in range(count):
        event = {"event_id": f"{seed}/{number}", "level": "info", "tokens": number}
        pad = {"pad": "x" * 1400}
        found.append(Record(None, json.dumps(event | pad).encode(), ROW, ROW, event | {"_residue": pad}))
    return found


def starts(table: Path) -> list[tuple[str, int]]:
    """Topic and first offset of each data file."""
    footers = [pq.read_metadata(path).metadata for path in data_files(table)]
    return sorted((footer[b"penstock.topic"].decode(), int(footer[b"penstock.start"])) for footer in footers)
