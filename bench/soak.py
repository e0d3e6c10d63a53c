"""Workers of one job killed at random under load; afterwards every row is held against the source.

A real Apache Kafka (started here; needs a JDK and Maven), a producer that never pauses, static members of one group.
Every few seconds one of them is killed with SIGKILL and started again at once, or left dead or stopped (SIGSTOP) until
its session is over, so that another takes its partitions. A cycle ends with each such blow; it has a commit if a data
file became visible in it. In the end the rest is read, and the table is compared with what Kafka acknowledged.

Prints `[{cycles, cycles_with_commit, rows, lost, duplicated}]`; exits 1 if anything is lost, twice or wrong, or if no
cycle had a commit.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.broker.cluster import KafkaCluster
from tests.broker.daemon import Daemon, Job
from tests.broker.process import wait_until
from tests.broker.producing import Source
from tests.broker.records import ROW
from tests.broker.source_log import data_files
from tests.broker.topics import Topics

if TYPE_CHECKING:
    from collections.abc import Sequence

PARTITIONS = 6
RECORDS_PER_SECOND = 1000
SESSION_SECONDS = 4
BLOW_SECONDS = (1.5, 4.0)
FINISH_SECONDS = 180


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the soak; the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=60, help="how long workers are killed (then the rest is read)")
    parser.add_argument("--workers", type=int, default=3, help="members of the group")
    parser.add_argument("--seed", type=int, default=None, help="of the kills; a random one is printed")
    parser.add_argument("--output", choices=("text", "json"), default="text")
    options = parser.parse_args(arguments)
    seed = random.SystemRandom().randrange(10**6) if options.seed is None else options.seed
    _say(f"Seed {seed}. Starting Apache Kafka.")
    directory = Path(tempfile.mkdtemp(prefix="penstock-soak-"))
    try:
        with KafkaCluster() as cluster:
            job = Job("soak", directory, cluster.bootstrap())
            try:
                cycles, with_commit = _soak(cluster, job, options.seconds, options.workers, random.Random(seed))
                return _report(job, cycles, with_commit, output=options.output)
            finally:
                job.close()
    finally:
        shutil.rmtree(directory, ignore_errors=True)


class _Producing(threading.Thread):
    """Sends small batches at an even rate until told to end; a failure is kept for `finish`."""

    def __init__(self, source: Source, topic: str) -> None:
        super().__init__(daemon=True)
        self._source, self._topic = source, topic
        self._end = threading.Event()
        self._failure: Exception | None = None

    def run(self) -> None:
        count = RECORDS_PER_SECOND // PARTITIONS // 5
        try:
            while not self._end.wait(0.2):
                self._source.produce(self._topic, count, partitions=range(PARTITIONS))
        except Exception as failure:  # noqa: BLE001 (raised again by `finish`)
            self._failure = failure

    def finish(self) -> None:
        """Return when the last batch is acknowledged."""
        self._end.set()
        self.join()
        if self._failure is not None:
            raise self._failure


class _Workers:
    """Members of the group, each with an instance id and a pipeline file of its own."""

    def __init__(self, job: Job, topic: str, count: int) -> None:
        self._job = job
        self._pipelines = [
            job.configure(
                topic,
                file=f"worker-{number}.toml",
                source={"instance_id": f"worker-{number}", "session_timeout": f"{SESSION_SECONDS}s"},
                sink={"cut": {"age": "500ms"}},
                pipeline={"workers": 1},
            )
            for number in range(count)
        ]
        self._daemons: list[Daemon] = [job.start(pipeline=pipeline) for pipeline in self._pipelines]
        self._back_at = dict.fromkeys(range(count), 0.0)

    def blow(self, number: int, how: str) -> None:
        """Kill worker `number` (`kill`: it comes back at once; `dead`: after its session), or stop it (`stop`)."""
        daemon = self._daemons[number]
        daemon.send(signal.SIGSTOP if how == "stop" else signal.SIGKILL)
        self._back_at[number] = time.monotonic() + (0 if how == "kill" else SESSION_SECONDS * 1.5)

    def tend(self) -> None:
        """Bring back who is due. A worker that ended by itself is a failure, unless another took its instance id."""
        for number, daemon in enumerate(self._daemons):
            if time.monotonic() < self._back_at[number]:
                continue
            daemon.send(signal.SIGCONT)
            if not daemon.running:
                if daemon.process.returncode != -signal.SIGKILL:
                    raise RuntimeError(f"Worker {number} ended by itself with {daemon.process.returncode}.")
                self._daemons[number] = self._job.start(pipeline=self._pipelines[number])

    def finish(self) -> None:
        """Everybody comes back, reads the rest and ends in order."""
        self._back_at = dict.fromkeys(self._back_at, 0.0)
        self.tend()
        wait_until(self._job.complete, seconds=FINISH_SECONDS, what="the rest is visible")
        for daemon in self._daemons:
            daemon.terminate()


def _soak(cluster: KafkaCluster, job: Job, seconds: float, workers: int, chance: random.Random) -> tuple[int, int]:
    """Blows for `seconds`; how many, and how many cycles saw a new data file."""
    topic = Topics(cluster, "soak").create(partitions=PARTITIONS)
    producing = _Producing(Source(job.bootstrap, job.log), topic)
    producing.start()
    members = _Workers(job, topic, workers)
    end = time.monotonic() + seconds
    cycles = with_commit = files = 0
    while time.monotonic() < end:
        blow_at = time.monotonic() + chance.uniform(*BLOW_SECONDS)
        while time.monotonic() < blow_at:
            members.tend()
            time.sleep(0.05)
        number, how = chance.randrange(workers), chance.choices(("kill", "dead", "stop"), (6, 1, 1))[0]
        members.blow(number, how)
        cycles += 1
        before, files = files, len(data_files(job.table))
        with_commit += files > before
        _say(f"{max(0, end - time.monotonic()):5.0f} s left: {how} worker {number}, {files} files.")
    producing.finish()
    try:
        members.finish()
        job.configure(topic)
        job.run_to_end(seconds=FINISH_SECONDS)
    except (AssertionError, TimeoutError, RuntimeError) as failure:
        _say(f"The rest was not read: {failure}\n{job.report()}")
    return cycles, with_commit


def _report(job: Job, cycles: int, with_commit: int, *, output: str) -> int:
    _say(f"Comparing with {len(job.log.entries)} records.")
    found = job.compare()
    if not found.exact:
        _say(str(found))
    result = {
        "cycles": cycles,
        "cycles_with_commit": with_commit,
        "rows": found.rows,
        "lost": len(found.lost),
        "duplicated": len(found.duplicated),
    }
    if output == "json":
        print(json.dumps([result]))
    else:
        print(
            f"{found.rows} of {job.log.count(ROW)} rows and {found.dead_letters} dead letters after {cycles} cycles, "
            f"{with_commit} with a commit: {result['lost']} lost, {result['duplicated']} twice."
        )
    return 0 if found.exact and with_commit else 1


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
