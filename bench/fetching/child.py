"""One mode on one ring in a process of its own; as a program: `child.py MODE CPU_SECONDS RING SETTINGS` (both JSON).

Reads round and round until the process has used CPU_SECONDS, start-up included, and prints what it did until then;
then reads the ring once more, not measured, and holds every value against what was produced.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bench.fetching.readers import READERS
from bench.fetching.ring import Contents, Ring

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.fetching.readers import Reader

_STUCK_SECONDS: Final = 20.0


def main(mode: str, cpu_seconds: str, ring: str, settings: str) -> None:
    """See above."""
    print(json.dumps(asyncio.run(run(mode, Ring.from_json(ring), json.loads(settings), float(cpu_seconds)))))


async def run(mode: str, ring: Ring, settings: Mapping[str, Any], cpu_seconds: float) -> dict[str, Any]:
    """What `mode` read, what it cost, and what is wrong with it, if anything."""
    reader = READERS[mode](ring, settings)
    await reader.start()
    try:
        measured, wrong = await _measure(reader, ring, cpu_seconds)
        return measured | {"wrong": wrong or ring.difference(await _read_once(reader, ring))}
    finally:
        await reader.stop()


async def _measure(reader: Reader, ring: Ring, cpu_seconds: float) -> tuple[dict[str, Any], str | None]:
    """The first answer is there before the clock of what is called steady begins."""
    ends = [one.records for one in ring.partitions]
    positions, rounds_records = [0] * len(ends), 0
    records = await reader.poll()
    started = _Clock(records)
    while True:
        for partition, position in reader.positions():
            positions[partition] = position
            if position >= ends[partition]:
                reader.rewind(partition)
                positions[partition] = 0
                rounds_records += ends[partition]
        if time.process_time() >= cpu_seconds:
            break
        records += await reader.poll()
    passed = rounds_records + sum(positions)
    found = {
        "records": records,
        "cpu_seconds": time.process_time(),
        "steady_records": records - started.records,
        "steady_cpu_seconds": time.process_time() - started.cpu_seconds,
    }
    return found, None if passed == records else f"{records} records where {passed} offsets were passed"


class _Clock:
    def __init__(self, records: int) -> None:
        self.records = records
        self.cpu_seconds = time.process_time()


async def _read_once(reader: Reader, ring: Ring) -> Sequence[Contents]:
    """Every partition from its beginning to its end."""
    found = [Contents() for _ in ring.partitions]
    for partition in range(len(found)):
        reader.rewind(partition)
    deadline = time.monotonic() + _STUCK_SECONDS
    while time.monotonic() < deadline and any(
        one.records < whole.records for one, whole in zip(found, ring.partitions, strict=True)
    ):
        await reader.poll()
        for partition, value in reader.values():
            found[partition].add(value)
    return found


if __name__ == "__main__":
    main(*sys.argv[1:])
