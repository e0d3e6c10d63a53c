"""Penstock's fetch beside stock aiokafka and confluent-kafka: records per CPU second, from a real Apache Kafka.

The same events are in a topic for each size and codec (Kafka is started here; needs a JDK and Maven), and each mode
reads them round and round in a process of its own: `getmany` of stock aiokafka; `fast`, frames with record batches as
the broker sent them, their headers scanned; `fast_decoded`, the same and checksums, decompression and where each record
lies, in native code; `confluent`, `consume(1000)` and `value()`. CPU is the process's user and system time, start-up
included. Afterwards each reads the topic once more, not measured, and every value is held against what was produced.

Prints `[{bytes, codec, mode, records_per_cpu_second, correct}]`, with a `reason` where something is wrong.

  python bench/fetch.py --quick
  python bench/fetch.py --size 1k --codec zstd --mode fast_decoded --mode confluent --output json
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
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.fetching.feed import CODECS, SIZES, make_rings
from bench.fetching.measured import Measured, measure, median
from bench.fetching.readers import READERS
from bench.fetching.results import Run, write_results
from penstock.config.model import FETCH_BYTES
from penstock.source.kafka import PARTITION_FETCH_BYTES
from tests.broker.cluster import KafkaCluster
from tests.broker.kafka_libs import KafkaUnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bench.fetching.feed import Codec, Size
    from bench.fetching.ring import Ring

QUICK_SIZES, QUICK_CODECS = ("1k", "8k"), ("none", "zstd")
ROUNDS = 3
CPU_SECONDS, QUICK_CPU_SECONDS = 3.0, 0.8
LIMIT_SECONDS, QUICK_LIMIT_SECONDS = 120.0, 15.0
SETTINGS = {"fetch_max_bytes": FETCH_BYTES, "max_partition_fetch_bytes": PARTITION_FETCH_BYTES}
"""Of the modes that are Penstock's."""

RESULTS = Path(__file__).resolve().parent / "results"
UNAVAILABLE, INTERRUPTED = 69, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the bench; the exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    options = _options(arguments)
    if options.results and find_spec("matplotlib") is None:
        _say("The plot needs matplotlib, which is not installed: see requirements/bench.txt.")
        return UNAVAILABLE
    start = time.monotonic()
    try:
        measured = tuple(_measure_all(options))
    except (
        KafkaUnavailableError,
        TimeoutError,
        RuntimeError,
    ) as failure:  # The last two: of a broker that has trouble.
        _say(str(failure))
        return UNAVAILABLE
    except KeyboardInterrupt:
        return INTERRUPTED
    _say(f"Measured in {time.monotonic() - start:.0f} s.")
    command = shlex.join(["bench/fetch.py", *arguments])
    run = Run(measured, options.rounds, options.cpu_seconds, SETTINGS, command)
    print(json.dumps(run.as_objects()) if options.output == "json" else run.as_text())
    if options.results:
        results, plot = write_results(run, RESULTS)
        _say(f"Results: {results}\nPlot: {plot}")
    return 0


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    summary, _, rest = (__doc__ or "").partition("\n")
    parser = argparse.ArgumentParser(
        description=summary,
        epilog="examples:\n" + rest.rpartition("\n\n")[2],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--size", action="append", choices=SIZES, help="mean bytes of an event; may be repeated")
    parser.add_argument("--codec", action="append", choices=CODECS, help="of the batches; may be repeated")
    parser.add_argument("--mode", action="append", choices=READERS, help="may be repeated; default: all")
    parser.add_argument("--records", type=_positive, metavar="N", help="in each topic; the default depends on the size")
    parser.add_argument("--rounds", type=_positive, metavar="N", help=f"default {ROUNDS}, of which the median counts")
    parser.add_argument(
        "--quick", action="store_true", help="under 50 s: 1k and 8k, none and zstd, one round; start-up weighs more"
    )
    parser.add_argument("--results", action="store_true", help=f"append to today's file in {RESULTS.name}, with a plot")
    parser.add_argument("--output", choices=("text", "json"), default="text")
    options = parser.parse_args(arguments)
    sizes = options.size or (QUICK_SIZES if options.quick else SIZES)
    codecs = options.codec or (QUICK_CODECS if options.quick else CODECS)
    options.size = [size for name, size in SIZES.items() if name in sizes]
    options.codec = [codec for codec in CODECS if codec in codecs]
    options.mode = [mode for mode in READERS if mode in (options.mode or READERS)]
    options.rounds = options.rounds or (1 if options.quick else ROUNDS)
    options.cpu_seconds = QUICK_CPU_SECONDS if options.quick else CPU_SECONDS
    options.limit_seconds = QUICK_LIMIT_SECONDS if options.quick else LIMIT_SECONDS
    return options


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def _measure_all(options: argparse.Namespace) -> Iterator[Measured]:
    """By size, then by codec, then by mode."""
    _say("Starting Apache Kafka.")
    with KafkaCluster() as cluster:
        for size in options.size:
            records = options.records or (size.quick_records if options.quick else size.records)
            _say(f"Making {records:,} events of {size.bytes} bytes.")
            for codec, ring in make_rings(size, options.codec, records, cluster):
                yield from _measure_modes(size, codec, ring, options)


def _measure_modes(size: Size, codec: Codec, ring: Ring, options: argparse.Namespace) -> Iterator[Measured]:
    """Rounds take turns, so that whatever else the machine does meets everybody."""
    limits = {"cpu_seconds": options.cpu_seconds, "limit_seconds": options.limit_seconds}
    rounds: dict[str, list[Measured]] = {mode: [] for mode in options.mode}
    for number in range(options.rounds):
        for mode, found in rounds.items():
            measured = measure(mode, size, codec, ring, SETTINGS, **limits)
            found.append(measured)
            verdict = f"WRONG: {measured.wrong}" if measured.wrong else "correct"
            rate = f"{measured.records_per_cpu_second:,.0f} records per CPU s"
            _say(f"{size.profile} {codec} round {number + 1}: {mode} {rate}, {verdict}")
    yield from map(median, rounds.values())


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # So that it cleans up after itself.
    sys.exit(main())
