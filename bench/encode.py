"""Parquet encoding alone: Penstock's writer beside zstd itself and other writers, on the demo's events.

`zstd_only` is a limit: zstd level 1 over the bodies of the pages that Penstock wrote, and nothing else. The better
these pages are encoded the less it has to do, so `zstd_plain` stands beside it: zstd level 1 over the pages of the same
rows without dictionaries or encodings. Rounds of both alternate with Penstock's and those of the Parquet library for
Rust (`ArrowWriter`, its own settings) in one process (`rust/core/examples/encode.rs`), which have each batch as
decoding leaves it; pyarrow and Polars write the same rows, from memory to memory, with zstd level 1. CPU is user and
system time of all threads; MB are 10^6 bytes of record values.

Prints a list of `{size, writer, megabytes_per_cpu_second, nanoseconds_per_event, ratio_to_zstd, ratio_to_plain_zstd,
bytes_written, correct}`.
"""

from __future__ import annotations

import argparse
import io
import json
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, get_args

import orjson
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from penstock.demo.events import COLUMNS, Profile, events

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SEED: Final = 20260105
RECORDS: Final[dict[Profile, int]] = {"340": 200_000, "1k": 60_000, "8k": 12_000}
QUICK_SHARE: Final = 4
ROUNDS: Final = 7
ROOT: Final = Path(__file__).resolve().parents[1]
ENCODER: Final = ("cargo", "run", "-q", "-p", "penstock-core", "--profile", "dev-release", "--example", "encode", "--")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the bench; the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="fewer records and rounds")
    parser.add_argument("--output", choices=("text", "json"), default="text")
    options = parser.parse_args(arguments)
    rounds = 3 if options.quick else ROUNDS
    measured = [
        entry
        for size in get_args(Profile)
        for entry in measure(size, RECORDS[size] // (QUICK_SHARE if options.quick else 1), rounds)
    ]
    if options.output == "json":
        print(json.dumps(measured))
        return 0
    print(f"{'size':5}{'writer':13}{'MB/CPU-s':>9}{'ns/event':>9}{'of zstd':>9}{'of plain':>9}{'bytes':>12}  correct")
    for entry in measured:
        size, writer, speed, cost, ratio, plain, written, correct = entry.values()
        numbers = f"{speed:9.0f}{cost:9.0f}{ratio:9.2f}{plain:9.2f}{written:12,}"
        print(f"{size:5}{writer:13}{numbers}  {'yes' if correct else 'NO'}")
    return 0


def measure(size: Profile, records: int, rounds: int) -> list[dict[str, Any]]:
    """What each writer does with so many events of this size."""
    values = [event.value or b"" for event in events(size, records, SEED)]
    megabytes = sum(map(len, values)) / 1e6
    with tempfile.TemporaryDirectory(prefix="penstock-bench-") as folder:
        config, lines, file = (Path(folder) / name for name in ("config.json", "events.ndjson", "file.parquet"))
        config.write_text(json.dumps({"columns": list(_columns(size))}))
        lines.write_bytes(b"\n".join(values))
        command = (*ENCODER, str(config), str(lines), str(file), str(rounds))
        ours = json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout)
        table = pq.read_table(file)
        of_library = pq.read_table(f"{file}.library").cast(table.schema)
        file_bytes = file.stat().st_size
    zstd_seconds, plain_seconds = ours["zstd_seconds"], ours["plain_zstd_seconds"]

    def entry(writer: str, seconds: float, written: int, *, correct: bool) -> dict[str, Any]:
        return {
            "size": size,
            "writer": writer,
            "megabytes_per_cpu_second": round(megabytes / seconds, 1),
            "nanoseconds_per_event": round(1e9 * seconds / records, 1),
            "ratio_to_zstd": round(zstd_seconds / seconds, 3),
            "ratio_to_plain_zstd": round(plain_seconds / seconds, 3),
            "bytes_written": written,
            "correct": correct,
        }

    def library(writer: str, write: Callable[[io.BytesIO], object]) -> dict[str, Any]:
        seconds, written = _cost(write, rounds)
        found = pq.read_table(io.BytesIO(written)).cast(table.schema)
        return entry(writer, seconds, len(written), correct=found.equals(table))

    frame = pl.DataFrame(table)
    return [
        entry("penstock", ours["encode_seconds"], file_bytes, correct=_is_right(table, values)),
        entry("zstd_only", zstd_seconds, ours["zstd_bytes"], correct=True),
        entry("zstd_plain", plain_seconds, ours["plain_zstd_bytes"], correct=True),
        entry("arrow_writer", ours["library_seconds"], ours["library_bytes"], correct=of_library.equals(table)),
        library("pyarrow", lambda to: pq.write_table(table, to, compression="zstd", compression_level=1)),
        library("polars", lambda to: frame.write_parquet(to, compression="zstd", compression_level=1)),
    ]


def _columns(size: Profile) -> Sequence[dict[str, Any]]:
    declared = {name: column if isinstance(column, dict) else {"type": column} for name, column in COLUMNS.items()}
    return [
        {"name": name, "path": column.get("path", name).split("."), "type": column["type"]}
        for name, column in declared.items()
        if name != "content" or size != "340"
    ]


def _cost(write: Callable[[io.BytesIO], object], rounds: int) -> tuple[float, bytes]:
    """Median CPU seconds of one round, and what it wrote."""
    seconds = []
    for _ in range(rounds):
        sink = io.BytesIO()
        begin = time.process_time()
        write(sink)
        seconds.append(time.process_time() - begin)
    return statistics.median(seconds), sink.getvalue()


def _is_right(table: pa.Table, values: Sequence[bytes]) -> bool:
    """Whether the rows are what a slow reader finds in the records."""
    paths = {
        name: (column.get("path", name) if isinstance(column, dict) else name).split(".")
        for name, column in COLUMNS.items()
        if name in table.column_names
    }
    return table.num_rows == len(values) and all(
        row.pop("_residue") is None and row == {name: _value(value, path) for name, path in paths.items()}
        for row, value in zip(_rows(table), map(orjson.loads, values), strict=True)
    )


def _rows(table: pa.Table) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = table.to_pylist()
    return rows


def _value(record: Any, path: Sequence[str]) -> object:
    for key in path:
        record = record.get(key) if isinstance(record, dict) else None
    return datetime.fromisoformat(record) if path == ["timestamp"] else record


if __name__ == "__main__":
    sys.exit(main())
