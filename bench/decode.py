"""Penstock's decoder beside other readers of JSON, as a share of what memcpy reaches with the same bytes.

Every reader reads every corpus of `bench/decoding/corpora.py` in a process of its own, on one thread of one processor;
of several passes the fastest counts, and so of the copies made right beside them. Time is the process's user and system
time. What a reader found is held against the standard library's `json`; who gets it wrong stays in the table.

Prints `[{corpus, reader, gigabytes_per_second, ratio_to_memcpy, correct}]`, with a `reason` where something is wrong;
the figures are null for who can't read a corpus, or can't be had here. `bench/README.md` says what each reader does.
"""

from __future__ import annotations

import argparse
import json
import shlex
import signal
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.decoding.child import MEMCPY
from bench.decoding.corpora import CORPORA, Corpus
from bench.decoding.digest import digest
from bench.decoding.expected import expected_table, write_expected
from bench.decoding.measured import Input, Measured, measure
from bench.decoding.programs import PROGRAMS, MissingProgramError
from bench.decoding.results import Run, write_results

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

READERS: Final = (
    *(MEMCPY, "penstock", "penstock_list", "simdjson", "simd_json", "sonic_rs"),
    *("arrow_json", "pyarrow", "polars", "duckdb", "orjson", "orjson_arrow"),
)
CORPUS_BYTES, QUICK_CORPUS_BYTES = 64_000_000, 4_000_000
PASSES_SECONDS, QUICK_PASSES_SECONDS = 2.0, 0.1
LIMIT_SECONDS: Final = 600
RESULTS: Final = Path(__file__).resolve().parent / "results"
DIRECTORY: Final = Path(__file__).resolve().parents[1] / "target" / "bench" / "corpora"
UNAVAILABLE, INTERRUPTED = 69, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the bench; the exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    options = _options(arguments)
    if options.results and find_spec("matplotlib") is None:
        _say("The plot needs matplotlib, which is not installed: see requirements/bench.txt.")
        return UNAVAILABLE
    try:
        programs = _build(options.reader)
        start = time.monotonic()
        measured = tuple(_measure_all(options, programs))
    except KeyboardInterrupt:
        return INTERRUPTED
    _say(f"Measured in {time.monotonic() - start:.0f} s.")
    run = Run(measured, options.bytes, shlex.join(["bench/decode.py", *arguments]))
    print(json.dumps(run.as_objects()) if options.output == "json" else run.as_text())
    if options.results:
        results, plot = write_results(run, RESULTS)
        _say(f"Results: {results}\nPlot: {plot}")
    return 0


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--corpus", action="append", choices=CORPORA, help="may be repeated; default: all")
    parser.add_argument("--reader", action="append", choices=READERS, help="may be repeated; default: all")
    parser.add_argument("--bytes", type=_positive, metavar="N", help=f"of each corpus; default {CORPUS_BYTES}")
    parser.add_argument("--quick", action="store_true", help="under 50 s: smaller corpora, fewer passes")
    parser.add_argument("--results", action="store_true", help=f"append to today's file in {RESULTS.name}, with a plot")
    parser.add_argument("--output", choices=("text", "json"), default="text")
    options = parser.parse_args(arguments)
    options.bytes = options.bytes or (QUICK_CORPUS_BYTES if options.quick else CORPUS_BYTES)
    options.seconds = QUICK_PASSES_SECONDS if options.quick else PASSES_SECONDS
    options.corpus = [name for name in CORPORA if name in (options.corpus or CORPORA)]
    options.reader = [name for name in READERS if name in (options.reader or READERS)]
    return options


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def _build(readers: Sequence[str]) -> dict[str, Path | MissingProgramError]:
    """The programs that are not there yet; not a part of what is measured."""
    programs: dict[str, Path | MissingProgramError] = {}
    for reader in readers:
        if reader in PROGRAMS:
            start = time.monotonic()
            try:
                programs[reader] = PROGRAMS[reader]()
            except MissingProgramError as error:
                programs[reader] = error
                _say(f"{reader} is left out: {error}")
            if (seconds := time.monotonic() - start) > 1:
                _say(f"Built {reader} in {seconds:.0f} s.")
    return programs


def _measure_all(options: argparse.Namespace, programs: dict[str, Path | MissingProgramError]) -> Iterator[Measured]:
    """By corpus, then by reader. A reader is started once for all corpora."""
    inputs = [_write(CORPORA[name], options.bytes) for name in options.corpus]
    found: dict[tuple[str, str], Measured] = {}
    for reader in options.reader:
        program = programs.get(reader)
        if isinstance(program, MissingProgramError):
            found |= {(one.name, reader): Measured(one.name, reader, None, None, str(program)) for one in inputs}
            continue
        for measured in measure(
            reader, program, inputs, DIRECTORY, seconds=options.seconds, limit_seconds=LIMIT_SECONDS
        ):
            found[measured.corpus, reader] = measured
            ratio = "-" if measured.ratio_to_memcpy is None else f"{measured.ratio_to_memcpy:.3f}"
            _say(
                f"{reader}, {measured.corpus}: {ratio} of memcpy"
                + (f", WRONG: {measured.wrong}" if measured.wrong else "")
            )
    return (found[name, reader] for name in options.corpus for reader in options.reader)


def _write(corpus: Corpus, size_bytes: int) -> Input:
    records = corpus.write(size_bytes, DIRECTORY)
    expected = expected_table(records, corpus.schema)
    write_expected(expected, DIRECTORY / f"{corpus.name}.arrow")
    size = (DIRECTORY / f"{corpus.name}.ndjson").stat().st_size
    _say(f"Made {corpus.name}: {len(records):,} records, {size / 1e6:.1f} MB.")
    return Input(corpus.name, len(records), size, digest(expected))


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # So that its children end with it.
    sys.exit(main())
