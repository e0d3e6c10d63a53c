"""File source: newline-delimited JSON in files or on standard input, read once from where the table left it to the end.

A file is a partition (`file_identity.py`), a record's offset is its number among the file's records. A few files are
read at a time, each one block ahead of the pipeline, in threads.
"""

from __future__ import annotations

import asyncio
import sys
import uuid
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from penstock.batch import Partition, RawBatch
from penstock.errors import UnavailableError
from penstock.source.file_identity import CLUSTER_ID, recognise
from penstock.source.file_reader import FileReader, StdinReader
from penstock.source.find_files import find_files
from penstock.source.lines import records_of
from penstock.telemetry.log import get_logger

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from collections.abc import Set as AbstractSet
    from datetime import datetime

    from penstock.config import FileSource as SourceConfig
    from penstock.errors import PenstockError
    from penstock.source.file_identity import FileIdentity
    from penstock.source.file_reader import Block, Reader
    from penstock.source.source import Owner

log = get_logger("penstock.source")

FILES_AT_ONCE = 8
UNKNOWN_END = sys.maxsize
"""For a file whose records are not counted yet. A position beyond its end shows when it is read."""

_STOP_SECONDS = 5


@dataclass(slots=True)
class _Reading:
    """One file being read: `block` is the next one, on its way."""

    reader: Reader
    epoch: int
    cursor: int
    block: asyncio.Future[Block]


class FileSource:
    """A `Source`. Not safe for several tasks."""

    finite = True
    held_bytes = 0
    cluster_id = CLUSTER_ID
    out_of_range: Sequence[Partition] = ()

    def __init__(self, config: SourceConfig, max_bytes: int) -> None:
        """`max_bytes` is the longest record that the decoder accepts: what is longer is cut."""
        self._config = config
        self._max_bytes = max_bytes
        self._stdin = Partition(CLUSTER_ID, "stdin", uuid.uuid4().hex, 0) if config.stdin else None
        self._stdin_reader: StdinReader | None = None
        self._stdin_begun = False
        self._files: dict[Partition, FileIdentity] = {}
        self._waiting: deque[Partition] = deque()
        """Not assigned yet."""
        self._assigned: set[Partition] = set()
        self._reading: dict[Partition, _Reading] = {}
        self._hints: dict[Partition, str] = {}
        self._ends: dict[Partition, int] = {}
        self._faults: dict[Partition, PenstockError] = {}
        self._threads: ThreadPoolExecutor
        self._moved = asyncio.Event()
        self._owner: Owner | None = None
        self.paused: AbstractSet[Partition] = frozenset()

    # ---- life

    async def connect(self) -> None:
        """See `Source`: find the files."""
        self._threads = ThreadPoolExecutor(FILES_AT_ONCE, thread_name_prefix="source")
        if self._stdin is not None:
            log.warning("Standard input can't be read twice: a restart appends, it does not continue.")
            return
        self._name(await asyncio.to_thread(find_files, self._config.path))

    def recognise(self, topics: Mapping[str, str]) -> None:
        """See `Source`."""
        self._name([recognise(file, topics) for file in self._files.values()])

    async def sample(self, limit: int, most_bytes: int) -> list[bytes]:
        """See `Sampled`: the first records, from each file about the same number, those of standard input too."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._sample, limit, most_bytes)

    def _sample(self, limit: int, most_bytes: int) -> list[bytes]:
        if self._stdin is not None:
            self._stdin_reader = self._stdin_reader or StdinReader(self._max_bytes)
            return self._stdin_reader.sample(limit, most_bytes)
        found: list[bytes] = []
        for left, file in zip(range(len(self._files), 0, -1), self._files.values(), strict=True):
            if found and most_bytes <= 0:
                break
            taken = self._first_records(file, -(-(limit - len(found)) // left), -(-most_bytes // left))
            most_bytes -= sum(map(len, taken))
            found += taken
        return found

    def _first_records(self, file: FileIdentity, limit: int, most_bytes: int) -> list[bytes]:
        found: list[bytes] = []
        with closing(FileReader(file, 0, self._max_bytes)) as reader:
            while len(found) < limit and sum(map(len, found)) < most_bytes:
                block = reader.read()
                found += records_of(block.records.data)
                if block.last:
                    break
        return found[:limit]

    def _name(self, files: Sequence[FileIdentity]) -> None:
        self._files = {file.partition: file for file in files}

    async def join(self, owner: Owner) -> None:
        """See `Source`."""
        self._owner = owner
        self._waiting = deque(await self.all_partitions())
        self._assign()

    def _assign(self) -> None:
        """Hand out files while there is room; of one name (rotation) only one at a time: the core wants it."""
        for partition in list(self._waiting):
            if len(self._assigned) >= FILES_AT_ONCE or self._owner is None:
                return
            if all(partition.topic != other.topic for other in self._assigned):
                self._waiting.remove(partition)
                self._assigned.add(partition)
                self._owner.assigned([partition])

    async def stop(self) -> bool:
        """See `Source`."""
        blocks = [reading.block for reading in self._reading.values()]
        if self._stdin_reader is not None and blocks:
            self._stdin_reader.interrupt()
        self._owner = None
        for partition in list(self._reading):
            self.release(partition)
        self._threads.shutdown(wait=False, cancel_futures=True)
        if not blocks:
            return True
        _, hanging = await asyncio.wait(blocks, timeout=_STOP_SECONDS)
        return not hanging

    @property
    def settled(self) -> bool:
        """See `Source`."""
        return not self._waiting

    # ---- reading

    def seek(self, partition: Partition, offset: int, epoch: int) -> bool:
        """See `Source`. Standard input that was begun can't be sought: that is a fault."""
        if partition not in self._assigned:
            return False
        self._stop_reading(partition)
        self._faults.pop(partition, None)  # If it is still there, it is met again.
        if partition != self._stdin:
            reader: Reader = FileReader(self._files[partition], offset, self._max_bytes)
        elif not self._stdin_begun:
            self._stdin_begun = True
            reader = self._stdin_reader = self._stdin_reader or StdinReader(self._max_bytes)
        else:
            self._faults[partition] = UnavailableError(
                f"stdin can't be read a second time, and the records from {offset} on are not in the table: the sink "
                "failed after they were read. Run again with them."
            )
            return True
        self._reading[partition] = _Reading(reader, epoch, offset, self._read(reader))
        self._moved.set()
        return True

    def _read(self, reader: Reader) -> asyncio.Future[Block]:
        return asyncio.get_running_loop().run_in_executor(self._threads, reader.read)

    def release(self, partition: Partition) -> None:
        """See `Source`. It makes room for another file: nobody gives a file up to read it again."""
        self._stop_reading(partition)
        self._faults.pop(partition, None)
        self.finished(partition)

    def _stop_reading(self, partition: Partition) -> None:
        reading = self._reading.pop(partition, None)
        if reading is not None:
            reading.block.add_done_callback(lambda _: reading.reader.close())

    def finished(self, partition: Partition) -> None:
        """See `Source`."""
        if partition in self._assigned:
            self._assigned.remove(partition)
            self._assign()

    def pause(self, partitions: AbstractSet[Partition]) -> None:
        """See `Source`. What was read ahead is kept."""
        if partitions != self.paused:
            self.paused = frozenset(partitions)
            self._moved.set()

    async def poll(self, timeout_seconds: float) -> list[RawBatch]:
        """See `Source`. Returns early also when the end of a file, or damage in it, comes to be known."""
        await self._wait(timeout_seconds)
        done = [partition for partition, reading in self._unpaused() if reading.block.done()]
        return [batch for partition in done if (batch := self._hand_over(partition)) is not None]

    def _unpaused(self) -> list[tuple[Partition, _Reading]]:
        return [(partition, reading) for partition, reading in self._reading.items() if partition not in self.paused]

    async def _wait(self, seconds: float) -> None:
        blocks = [reading.block for _, reading in self._unpaused()]
        self._moved.clear()
        moved = asyncio.ensure_future(self._moved.wait())
        waited: list[asyncio.Future[Any]] = [moved, *blocks]
        await asyncio.wait(waited, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        moved.cancel()

    def _hand_over(self, partition: Partition) -> RawBatch | None:
        reading = self._reading[partition]
        block = reading.block.result()
        start, reading.cursor = reading.cursor, reading.cursor + block.records.count
        if reading.reader.hint is not None:
            self._hints[partition] = reading.reader.hint
        if block.last:
            self._stop_reading(partition)
            if block.fault is None:
                self._ends[partition] = reading.cursor
            else:
                self._faults[partition] = block.fault
        else:
            reading.block = self._read(reading.reader)
        if not block.records.count:
            return None
        return RawBatch(
            partition=partition,
            epoch=reading.epoch,
            fetch_offset=start,
            next_offset=reading.cursor,
            size_bytes=len(block.records.data),
            records=block.records,
        )

    def lag(self) -> dict[Partition, int]:
        """Unknown: the records of a file are counted as they are read."""
        return {}

    # ---- trouble

    def waiting_seconds(self) -> float:
        """None: there is nobody to share with."""
        return 0.0

    silent_seconds = 0.0

    async def wait_for_loss(self) -> PenstockError:
        """Never."""
        never: asyncio.Future[PenstockError] = asyncio.get_running_loop().create_future()
        return await never

    def faults(self) -> dict[Partition, PenstockError]:
        """See `Source`: files that are damaged, cut off, or gone."""
        return dict(self._faults)

    def refetch(self, partition: Partition, offset: int, problem: str) -> None:  # noqa: ARG002 - see `Source`
        """Never: lines are no frames."""
        raise TypeError(problem)

    def stuck(self) -> None:
        """Never: a file either answers or fails."""

    def hint(self, partition: Partition) -> str | None:
        """See `Source`: the file looks like something else than text."""
        return self._hints.get(partition)

    # ---- facts about partitions

    async def all_partitions(self) -> list[Partition]:
        """See `Source`."""
        return list(self._files) if self._stdin is None else [self._stdin]

    async def bounds(self, partitions: Sequence[Partition]) -> dict[Partition, tuple[int, int]]:
        """See `Source`."""
        return {partition: (0, self._ends.get(partition, UNKNOWN_END)) for partition in partitions}

    async def offsets_at(self, partitions: Sequence[Partition], moment: datetime) -> dict[Partition, int | None]:  # noqa: ARG002
        """None: lines have no time."""
        return dict.fromkeys(partitions)

    def end(self, partition: Partition) -> int | None:
        """How many records it has, once it was read to its end."""
        return self._ends.get(partition)

    async def same(self, partition: Partition) -> bool:  # noqa: ARG002 - see `Source`
        """True: an open file stays the same, whatever happens to its name."""
        return True

    async def acknowledged(self, partitions: Sequence[Partition]) -> dict[Partition, tuple[int, str] | None]:
        """None: nobody but the table keeps positions."""
        return dict.fromkeys(partitions)

    async def acknowledge(self, offsets: Mapping[Partition, tuple[int, str]]) -> None:
        """Nothing to do."""
