"""Penstock beside the scripts that people write today: the same events, the same job, the same table, per CPU second.

Everybody gets the same events, in Apache Kafka (started here; needs a JDK and Maven) or in a file, does the job of
`bench/job.py` in a process of its own, and has every row held against a slow reference. CPU is the process's user and
system time, start-up included; MB are 10^6 bytes of record values; of several rounds the one of median CPU counts.

Prints `[{name, events_per_cpu_second, mb_per_cpu_second, events_per_second, peak_rss_bytes, bytes_written, correct}]`,
with `scenario` or `size` before the name where there are several. Who gets it wrong stays in the table.
"""

from __future__ import annotations

import argparse
import compileall
import contextlib
import json
import shlex
import shutil
import signal
import sys
import tempfile
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, get_args

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.entries import ENTRIES
from bench.feed import make_feed
from bench.job import SIZES, Scenario
from bench.measured import Measured, measure, median
from bench.results import Run, write_results
from tests.broker.cluster import KafkaCluster
from tests.broker.kafka_libs import KafkaUnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bench.job import Size

ALL = "all"
SCENARIOS: Sequence[Scenario] = get_args(Scenario)
ROUNDS = 3
START_UP_RECORDS = 100
"""What is done with so few is start-up and end."""
LIMIT_SECONDS = 300
QUICK_LIMIT_SECONDS = 8
PACKAGE = Path(__file__).resolve().parents[1] / "python" / "penstock"
RESULTS = Path(__file__).resolve().parent / "results"
UNAVAILABLE, INTERRUPTED = 69, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the bench; the exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    options = _options(arguments)
    if options.results and find_spec("matplotlib") is None:
        _say("The plot needs matplotlib, which is not installed: see requirements/bench.txt.")
        return UNAVAILABLE
    compileall.compile_dir(PACKAGE, quiet=1)  # As pip does when it installs it; the scripts' packages have theirs.
    directory = Path(tempfile.mkdtemp(prefix="penstock-bench-"))
    try:
        measured = tuple(_measure_all(options, directory))
    except (
        KafkaUnavailableError,
        TimeoutError,
        RuntimeError,
    ) as failure:  # The last two: of a broker that has trouble.
        _say(str(failure))
        return UNAVAILABLE
    except KeyboardInterrupt:
        return INTERRUPTED
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    run = Run(measured, options.rounds, shlex.join(["bench/run.py", *arguments]))
    print(json.dumps(run.as_objects()) if options.output == "json" else run.as_text())
    if options.results:
        results, plot = write_results(run, RESULTS)
        _say(f"Results: {results}\nPlot: {plot}")
    return 0


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--scenario", choices=(*SCENARIOS, ALL), default=SCENARIOS[0])
    parser.add_argument("--size", choices=(*SIZES, ALL), default=ALL, help="mean bytes of an event")
    parser.add_argument("--records", type=_positive, metavar="N", help="events of each size; the default depends on it")
    parser.add_argument("--rounds", type=_positive, metavar="N", help=f"default {ROUNDS}, of which the median counts")
    parser.add_argument(
        "--quick", action="store_true", help="under 50 s: fewer events, one round; start-up weighs more"
    )
    parser.add_argument("--results", action="store_true", help=f"append to today's file in {RESULTS.name}, with a plot")
    parser.add_argument("--output", choices=("text", "json"), default="text")
    options = parser.parse_args(arguments)
    options.rounds = options.rounds or (1 if options.quick else ROUNDS)
    return options


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def _measure_all(options: argparse.Namespace, directory: Path) -> Iterator[Measured]:
    """By scenario, then by size, then by entry. One size at a time is on the disk and in memory."""
    scenarios = SCENARIOS if options.scenario == ALL else [options.scenario]
    with contextlib.ExitStack() as stack:
        cluster = None
        if "kafka_to_parquet" in scenarios:
            _say("Starting Apache Kafka.")
            cluster = stack.enter_context(KafkaCluster())
        found = [
            measured
            for size in (SIZES.values() if options.size == ALL else [SIZES[options.size]])
            for measured in _measure_size(size, scenarios, cluster, options, directory)
        ]
    for scenario in scenarios:
        yield from (measured for measured in found if measured.scenario == scenario)


def _measure_size(
    size: Size,
    scenarios: Sequence[Scenario],
    cluster: KafkaCluster | None,
    options: argparse.Namespace,
    directory: Path,
) -> Iterator[Measured]:
    """Rounds take turns, so that whatever else the machine does meets everybody."""
    records = options.records or (size.quick_records if options.quick else size.records)
    limit_seconds = QUICK_LIMIT_SECONDS if options.quick else LIMIT_SECONDS
    _say(f"Making {records:,} events of {size.profile} bytes.")
    feed = make_feed(size, records, directory, cluster)
    few = None if options.quick else make_feed(size, START_UP_RECORDS, directory, cluster, name="few")
    entries = [entry for entry in ENTRIES if entry.present]
    for entry in set(ENTRIES) - set(entries):
        _say(f"{entry.name} is left out: {entry.needs} is not installed, see requirements/bench.txt.")
    for scenario in scenarios:
        rounds: dict[str, list[Measured]] = {entry.name: [] for entry in entries}
        starts: dict[str, list[Measured]] = {entry.name: [] for entry in entries}
        for number in range(options.rounds):
            for entry in entries:
                if few:
                    start = measure(entry, scenario, size, few, directory / "run", limit_seconds=limit_seconds)
                    starts[entry.name].append(start)
                measured = measure(entry, scenario, size, feed, directory / "run", limit_seconds=limit_seconds)
                rounds[entry.name].append(measured)
                cost = f"{measured.cost.cpu_seconds:.2f} CPU s"
                verdict = f"WRONG: {measured.wrong}" if measured.wrong else "correct"
                _say(f"{scenario} {size.profile} round {number + 1}: {entry.name} {cost}, {verdict}")
        for entry in entries:
            yield replace(median(rounds[entry.name]), start_up_seconds=_start_up(starts[entry.name]))


def _start_up(rounds: Sequence[Measured]) -> float | None:
    """Of a round that was right; it says nothing otherwise."""
    start = median(rounds) if rounds else None
    return start.cost.cpu_seconds if start and start.wrong is None else None


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # So that it cleans up after itself.
    sys.exit(main())
