"""A partition whose storage hangs holds up nobody else, and takes no more memory than its part."""

from __future__ import annotations

import random
import threading
from typing import TYPE_CHECKING

import orjson
import pyarrow.parquet as pq

from penstock.commit import file_name
from penstock.config import load_test
from penstock.daemon.job import Job
from penstock.daemon.run import RunOptions
from penstock.sink.memory import MemoryFile, MemoryStorage
from penstock.testing import Clock, MemorySource, Record, partition

if TYPE_CHECKING:
    from typing_extensions import Buffer

    from penstock.sink.storage import UnpublishedFile

MEBIBYTE = 2**20
LIMIT = 16 * MEBIBYTE
RECORDS = 3000
VALUE_BYTES = 10_000
STUCK, FLOWING = partition(number=0), partition(number=1)


class Gate:
    """Closed until all of one partition is visible. What was seen when it opened is in `visible`."""

    def __init__(self) -> None:
        self.opened = threading.Event()
        self.rows = {STUCK.number: 0, FLOWING.number: 0}
        self.visible: dict[int, int] = {}

    def count(self, number: int, rows: int) -> None:
        self.rows[number] += rows
        if self.rows[FLOWING.number] == RECORDS and not self.opened.is_set():
            self.visible = dict(self.rows)
            self.opened.set()


class GatedFile(MemoryFile):
    """Written through a gate."""

    def __init__(self, gate: Gate) -> None:
        super().__init__()
        self._gate = gate

    def write(self, data: Buffer) -> None:
        assert self._gate.opened.wait(60), "the other partition is held up"
        super().write(data)


class GatedStorage(MemoryStorage):
    """Where the files of one partition wait for the other partition."""

    def __init__(self, gate: Gate) -> None:
        super().__init__("memory/rows")
        self._gate = gate

    def open_unpublished(self, name: str, attempt: str) -> MemoryFile:
        parsed = file_name.parse(name)
        if parsed is not None and parsed.number == STUCK.number:
            return GatedFile(self._gate)
        return super().open_unpublished(name, attempt)

    def publish(self, file: UnpublishedFile, name: str) -> bool:
        published = super().publish(file, name)
        parsed = file_name.parse(name)
        if parsed is not None:
            self._gate.count(parsed.number, pq.read_metadata(self.open(name)).num_rows)
        return published


def records(seed: int) -> list[Record]:
    chance = random.Random(seed)
    return [
        Record(orjson.dumps({"n": number, "text": chance.randbytes(VALUE_BYTES // 2).hex()}))
        for number in range(RECORDS)
    ]


async def test_a_partition_whose_storage_hangs_holds_up_nobody_else() -> None:
    """The other one, several times the limit, gets through; then so does the first."""
    config = load_test(
        {
            "pipeline": {"name": "gated", "memory_limit": LIMIT},
            "decode": {"format": "json", "columns": {"n": "int64", "text": "string"}},
            "sink": {"type": "parquet", "path": "memory/rows", "cut": {"bytes": "4MiB"}},
        },
        [],
    )
    gate = Gate()
    source = MemorySource({STUCK: records(1), FLOWING: records(2)}, Clock().advance, batch_records=100)
    storage, dead_letters = GatedStorage(gate), MemoryStorage("memory/rows-dead")
    job = Job(
        config,
        RunOptions(),
        source=source,
        open_storage=lambda path: storage if path == config.sink.path else dead_letters,
        clock=Clock(),
    )
    await job.run()
    assert gate.visible == {STUCK.number: 0, FLOWING.number: RECORDS}
    assert gate.rows == {STUCK.number: RECORDS, FLOWING.number: RECORDS}
    assert job._pipeline is not None
    assert LIMIT / 2 < job._pipeline.peak_memory_bytes <= LIMIT
