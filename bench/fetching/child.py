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
    """What is called steady begins when the first answer has been read."""
    ends = [one.records for one in ring.partitions]
    positions = [0] * len(ends)
    records = passed = steady_from = 0
    steady_from_seconds = 0.0
    while _cpu_seconds() < cpu_seconds:
        await reader.fetch()
        # Before anything is awaited: else the consumer would ask for what comes after the end, and wait for it.
        for partition, position in reader.positions():
            passed += position - positions[partition]
            positions[partition] = position % ends[partition]
            if position == ends[partition]:
                reader.rewind(partition)
        records += await reader.read()
        if not steady_from:
            steady_from, steady_from_seconds = records, _cpu_seconds()
    found = {
        "records": records,
        "cpu_seconds": _cpu_seconds(),
        "steady_records": records - steady_from,
        "steady_cpu_seconds": _cpu_seconds() - steady_from_seconds,
    }
    return found, None if passed == records else f"{records} records where {passed} offsets were passed"


async def _read_once(reader: Reader, ring: Ring) -> Sequence[Contents]:
    """Every partition from its beginning to its end."""
    found = [Contents() for _ in ring.partitions]
    for partition in range(len(found)):
        reader.rewind(partition)
    deadline = time.monotonic() + _STUCK_SECONDS
    while time.monotonic() < deadline and any(
        one.records < whole.records for one, whole in zip(found, ring.partitions, strict=True)
    ):
        await reader.fetch()
        await reader.read()
        for partition, value in reader.values():
            found[partition].add(value)
    return found


def _cpu_seconds() -> float:
    """Of this process, all threads."""
    return time.process_time()


if __name__ == "__main__":
    main(*sys.argv[1:])
