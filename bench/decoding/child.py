"""One reader over some corpora, in a process of its own, pinned to one processor and held to one thread.

`child.py CPU READER DIRECTORY SECONDS CORPUS...` prints a JSON object per corpus, on a line: `{corpus, seconds,
memcpy_seconds, wrong}` or `{corpus, reason}`. `child.py CPU = PROGRAM ARGUMENT...` becomes that program, which prints
the like, with `rows` and `digest` for `wrong`.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bench.decoding.corpora import CORPORA
from bench.decoding.expected import difference, read_expected
from bench.decoding.python_readers import PYTHON_READERS, Source, WrongError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.decoding.python_readers import Reader

MEMCPY: Final = "memcpy"
LEAST_PASSES, MOST_PASSES = 3, 200
OTHER_BYTES: Final = 32 << 20
"""Gone over before each copy, or what a reader leaves in the caches would decide how fast it is."""
ONE_THREAD: Final = dict.fromkeys(
    ("POLARS_MAX_THREADS", "RAYON_NUM_THREADS", "OMP_NUM_THREADS", "ARROW_IO_THREADS"), "1"
)


def main(cpu: str, reader: str, *arguments: str) -> None:
    """See above."""
    os.sched_setaffinity(0, {int(cpu)})
    os.environ |= ONE_THREAD
    if reader == "=":
        os.execv(arguments[0], arguments)  # noqa: S606 (a program that we have built)
    directory, seconds, *corpora = arguments
    for name in corpora:
        print(json.dumps({"corpus": name, **run(reader, name, Path(directory), float(seconds))}), flush=True)


def run(reader: str, corpus: str, directory: Path, seconds: float) -> dict[str, object]:
    """Time and check one reader on one corpus."""
    source = Source(CORPORA[corpus], directory / f"{corpus}.ndjson")
    if reader == MEMCPY:
        return _memcpy(source.data, seconds)
    try:
        opened = PYTHON_READERS[reader](source)
        times = passes(opened, source.data, seconds)
    except Exception as error:  # noqa: BLE001 (whatever it is, it could not read it)
        return {"reason": f"{type(error).__name__}: {_first_line(error)}"}
    return {"seconds": times[0], "memcpy_seconds": times[1], "wrong": _wrong(opened, directory / f"{corpus}.arrow")}


def passes(reader: Reader, data: bytes, seconds: float) -> tuple[float, float]:
    """The least time of a read and of a memcpy, which take turns; the first of each is not counted.

    Processor time of the whole process: on a processor of its own that is the time by the clock, on a shared one the
    others are not counted.
    """
    copied = memoryview(bytearray(len(data)))
    other, ones = memoryview(bytearray(OTHER_BYTES)), b"\1" * OTHER_BYTES
    gc.disable()  # As `timeit` does: it would be paid for by whoever makes the most objects, at any time.
    times: list[tuple[float, float]] = []
    end = float("inf")
    while len(times) <= LEAST_PASSES or (len(times) < MOST_PASSES and time.monotonic() < end):
        other[:] = ones
        start = time.process_time()
        copied[:] = data
        middle = time.process_time()
        found = reader.read()
        times.append((time.process_time() - middle, middle - start))
        del found
        if len(times) == 1:
            end = time.monotonic() + seconds
    gc.enable()
    reads, copies = zip(*times[1:], strict=True)
    return min(reads), min(copies)


class _Nothing:
    """So that copies alone are timed."""

    def read(self) -> None: ...

    def table(self, _found: object) -> None: ...


def _memcpy(data: bytes, seconds: float) -> dict[str, object]:
    _, copy = passes(_Nothing(), data, seconds)
    copied = bytearray(len(data))
    memoryview(copied)[:] = data
    return {"seconds": copy, "memcpy_seconds": copy, "wrong": None if copied == data else "other bytes"}


def _wrong(reader: Reader, expected: Path) -> str | None:
    try:
        return difference(reader.table(reader.read()), read_expected(expected))
    except Exception as error:  # noqa: BLE001
        return _first_line(error) if isinstance(error, WrongError) else f"{type(error).__name__}: {_first_line(error)}"


def _first_line(error: BaseException) -> str:
    lines: Sequence[str] = str(error).strip().splitlines()
    return lines[0][:200] if lines else ""


if __name__ == "__main__":
    main(*sys.argv[1:])
