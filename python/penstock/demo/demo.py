"""The demo: generated events, the embedded broker, a real pipeline, and proof that everything arrived."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rich.console import Console

from penstock.demo.broker import EmbeddedBroker
from penstock.demo.display import Progress, ProgressView
from penstock.demo.events import events
from penstock.demo.pipeline_file import pipeline_toml
from penstock.demo.pipeline_process import PipelineProcess
from penstock.demo.producer import EventProducer
from penstock.demo.table import TableFiles
from penstock.errors import GaveUpError, InternalError, UnavailableError, UsageError

if TYPE_CHECKING:
    from penstock.demo.events import Verdict

TOPIC: Final = "agent-events"
PARTITIONS: Final = 8

_DEFAULT_DIRECTORY: Final = "demo-events"
_MALFORMED: Final = 0.001
_DRIFTING: Final = 0.002
_TOMBSTONES: Final = 0.0005
_LOOK_SECONDS: Final = 0.1
_STUCK_SECONDS: Final = 60
"""The table must grow within this time, or something is wrong."""


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """What the user can choose."""

    records: int = 500_000
    path: Path | None = None
    """A directory that is new or empty; by default `demo-events`, numbered if that is taken."""
    seed: int = 1


@dataclass(frozen=True, slots=True)
class DemoResult:
    """What became of the events: `produced == rows + dead_letters + filtered + tombstones`, checked."""

    produced: int
    rows: int
    dead_letters: int
    filtered: int
    tombstones: int
    path: str
    dead_letter_path: str
    pipeline_file: str
    seconds: float
    """From the first event sent to the last one committed."""


def run_demo(options: DemoOptions) -> DemoResult:
    """Run it from beginning to end; everything it starts has ended when it returns or raises.

    Progress goes to stderr. Leaves a directory with the pipeline file, the pipeline's log and the two tables.
    """
    if options.records < 1:
        raise UsageError(f"The demo needs at least one record, not {options.records}.")
    with EmbeddedBroker() as broker:
        broker.create_topic(TOPIC, PARTITIONS)
        demo = _Demo(_new_directory(options.path), broker.bootstrap)
        console = Console(stderr=True)
        console.print(
            f"Streaming {options.records:,} agent events through a Kafka topic of {PARTITIONS} partitions into "
            f"{demo.table.directory}. The pipeline: {demo.pipeline_file}",
            soft_wrap=True,
            highlight=False,
        )
        with PipelineProcess(demo.pipeline_file, demo.log) as pipeline, ProgressView(console) as view:
            seconds = demo.stream(options, pipeline, view)
            pipeline.stop()
    return demo.result(seconds)


class _Demo:
    """The parts of one run, and what was sent."""

    def __init__(self, directory: Path, bootstrap: str) -> None:
        """Write the pipeline file."""
        self.table = TableFiles(directory / "events")
        self.dead_letters = TableFiles(directory / "dead-letters")
        self.pipeline_file = file = directory / "pipeline.toml"
        self.log = directory / "pipeline.log"
        self._producer = EventProducer(bootstrap, TOPIC, PARTITIONS)
        self._sent: Counter[Verdict] = Counter()
        text = pipeline_toml([bootstrap], TOPIC, self.table.directory, self.dead_letters.directory, file=file)
        file.write_text(text, encoding="utf-8")

    def stream(self, options: DemoOptions, pipeline: PipelineProcess, view: ProgressView) -> float:
        """Send everything, wait until it is committed; how many seconds that took."""
        stream = events(
            "340",
            options.records,
            options.seed,
            malformed=_MALFORMED,
            drifting=_DRIFTING,
            tombstones=_TOMBSTONES,
        )
        began = next_look = grew = time.monotonic()

        def look() -> None:
            nonlocal next_look, grew
            pipeline.check()
            if self._refresh():
                grew = time.monotonic()
            elif self._producer.lag and time.monotonic() - grew > _STUCK_SECONDS:
                raise GaveUpError(f"Nothing was committed for {_STUCK_SECONDS} s. The pipeline's log: {self.log}")
            view.update(self._progress(options.records, time.monotonic() - began))
            next_look = time.monotonic() + _LOOK_SECONDS

        try:
            for event in stream:
                while not self._producer.send(event):
                    time.sleep(_LOOK_SECONDS)
                    look()
                self._sent[event.verdict] += 1
                if time.monotonic() >= next_look:
                    look()
            self._producer.flush()
            while self._producer.lag:
                time.sleep(_LOOK_SECONDS)
                look()
            return time.monotonic() - began
        finally:
            self._producer.close()

    def _refresh(self) -> bool:
        """Whether the table has grown."""
        files = self.table.files
        self.table.refresh()
        self.dead_letters.refresh()
        self._producer.committed(self.table.positions)
        return self.table.files > files

    def _progress(self, total: int, seconds: float) -> Progress:
        return Progress(
            seconds=seconds,
            total=total,
            sent=self._producer.sent,
            sent_bytes=self._producer.sent_bytes,
            committed=self.table.counts.records,
            dead_letters=self.dead_letters.rows,
            files=self.table.files,
            size_bytes=self.table.size_bytes,
        )

    def result(self, seconds: float) -> DemoResult:
        """What the tables have, once the pipeline has ended. Raises if it is not what was sent."""
        self.table.refresh()
        self.dead_letters.refresh()
        counts = self.table.counts
        found = {
            "rows": (self.table.rows, self._sent["row"]),
            "rows by the files' own count": (counts.rows, self._sent["row"]),
            "dead letters": (self.dead_letters.rows, self._sent["dead_letter"]),
            "dead letters by the table's count": (counts.dead_letters, self._sent["dead_letter"]),
            "tombstones": (counts.tombstones, self._sent["tombstone"]),
            "filtered": (counts.filtered, 0),
            "records": (counts.records, self._producer.sent),
        }
        wrong = [f"{name}: {has:,} instead of {sent:,}" for name, (has, sent) in found.items() if has != sent]
        if wrong:
            raise InternalError(f"The tables do not have what was sent: {'; '.join(wrong)}. Log: {self.log}")
        return DemoResult(
            produced=self._producer.sent,
            rows=counts.rows,
            dead_letters=counts.dead_letters,
            filtered=counts.filtered,
            tombstones=counts.tombstones,
            path=str(self.table.directory),
            dead_letter_path=str(self.dead_letters.directory),
            pipeline_file=str(self.pipeline_file),
            seconds=round(seconds, 3),
        )


def _new_directory(path: Path | None) -> Path:
    """Make the demo's directory. One that holds something is never touched."""
    if path is None:
        numbered = (Path(f"{_DEFAULT_DIRECTORY}-{number}") for number in count(2))
        path = Path(_DEFAULT_DIRECTORY)
        while path.exists():
            path = next(numbered)
    try:
        path.mkdir(parents=True, exist_ok=True)
        taken = any(path.iterdir())
    except OSError as error:
        raise UnavailableError(f"The demo can't use {path}: {error.strerror}. Choose another directory.") from None
    if taken:
        raise UsageError(f"{path} is not empty. The demo starts in a new directory: remove it or choose another.")
    return path
