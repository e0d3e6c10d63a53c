"""Every metric there is: its name, its meaning, and what to do when it rises.

`docs/metrics.md` is made from this file (`reference.py`). Values are updated per batch, call or commit, never per
record; gauges are set when somebody looks (`health.py`). Labels are closed sets and places, never contents.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

from penstock._native import build_info
from penstock.batch import Committed, Lost
from penstock.frame_fault import CODES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from prometheus_client.metrics_core import Metric

    from penstock._native import FramePool, OffsetRejection, Report
    from penstock.batch import Counts, Cut, Outcome, Partition
    from penstock.commit.effects import Table

Kind = Literal["counter", "gauge", "histogram"]

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4

BYTES_BUCKETS = tuple(4**power * 1024 for power in range(8))
SECONDS_BUCKETS = (0.001, 0.005, 0.02, 0.1, 0.5, 2.0, 10.0, 60.0)


@dataclass(frozen=True, slots=True)
class Definition:
    """What is known of a metric before it has a value."""

    stage: str
    """One of the five words of the flow, or `process`."""
    name: str
    kind: Kind
    labels: tuple[str, ...]
    meaning: str
    rising: str
    """What to do when it rises."""


class Registry(CollectorRegistry):
    """Leaves out the time at which each counter was made, which would double the series."""

    def collect(self) -> Iterable[Metric]:
        """All families, as they are now."""
        for family in super().collect():
            family.samples = [sample for sample in family.samples if not sample.name.endswith("_created")]
            yield family


class _Definitions:
    """Makes metrics in one registry and remembers what they mean."""

    def __init__(self) -> None:
        self.registry = Registry()
        self.definitions: list[Definition] = []
        self._stage = ""

    def _counter(self, name: str, meaning: str, rising: str, **labels: Sequence[str]) -> Counter:
        """`labels` are names with the values that are there from the start, as zeros; `()` where they are not known."""
        self._define(name, "counter", tuple(labels), meaning, rising)
        counter = Counter(name, meaning, tuple(labels), registry=self.registry)
        for values in _combinations(labels):
            counter.labels(*values)
        return counter

    def _gauge(self, name: str, meaning: str, rising: str, *labels: str) -> Gauge:
        self._define(name, "gauge", labels, meaning, rising)
        return Gauge(name, meaning, labels, registry=self.registry)

    def _histogram(
        self, name: str, meaning: str, rising: str, *labels: str, buckets: Sequence[float] = SECONDS_BUCKETS
    ) -> Histogram:
        self._define(name, "histogram", labels, meaning, rising)
        return Histogram(name, meaning, labels, registry=self.registry, buckets=buckets)

    def _define(self, name: str, kind: Kind, labels: tuple[str, ...], meaning: str, rising: str) -> None:
        self.definitions.append(Definition(self._stage, name, kind, labels, meaning, rising))


class Metrics(_Definitions):
    """The metrics of one run, and what is counted at its few events. Thread-safe.

    Records are accounted for twice, when they are decoded and when they are committed (`stage`), and each time
    records = rows + dead letters + filtered + tombstones. What was decoded and is not committed is open, or was
    dropped and is read again.
    """

    def __init__(self) -> None:
        super().__init__()
        self._define_source()
        self._define_decode()
        self._define_sink()
        self._define_commit()
        self._define_process()
        self._committed_at = time.monotonic()
        self._lagging: set[tuple[str, int]] = set()
        self._frames = (0, 0)

    # ---- what there is

    def _define_source(self) -> None:
        self._stage = "source"
        self.polls = self._counter(
            "penstock_polls_total",
            "Times that fetched records were asked for, with or without an answer.",
            "It rises all the time. If it stands still, the pipeline waits for something: see penstock_ready and the "
            "log.",
        )
        self.fetch_errors = self._counter(
            "penstock_fetch_errors_total",
            "Fetches that a broker answered with an error, or whose answer was damaged.",
            "retriable: a leader moved or a broker is down; look at the brokers if it goes on. out_of_range: retention "
            "overtook the position; give the topic more retention or the pipeline more workers. corrupt: look at the "
            "broker's disk.",
            code=("retriable", "out_of_range", "corrupt"),
        )
        self.fetch_bytes = self._histogram(
            "penstock_fetch_bytes",
            "Bytes of record batches per partition and answer to a fetch; with raw batches only.",
            "Small ones cost more CPU per record: producers send little, or a topic has many partitions.",
            buckets=BYTES_BUCKETS,
        )
        self.discarded_bytes = self._counter(
            "penstock_discarded_bytes_total",
            "Bytes of batches that an answer had not whole, as it was full; they are fetched again.",
            "Above a tenth of penstock_fetch_bytes: producers write large batches; raise pipeline.memory_limit, which "
            "answers are sized by.",
        )
        self.fetch_fast = self._gauge(
            "penstock_fetch_fast",
            "1 if raw batches are fetched, 0 if records are.",
            "It is set once. 0: source.fetch_mode says so, or penstock_fetch_fallbacks_total does.",
        )
        self.fetch_fallbacks = self._counter(
            "penstock_fetch_fallbacks_total",
            "Times that records had to be fetched instead of raw batches. layout: the installed aiokafka is another. "
            "old_format: a partition has messages from before Kafka 0.11.",
            "layout: install the aiokafka that Penstock asks for. old_format: it ends when those messages are read.",
            code=("layout", "old_format"),
        )
        self.frames_taken = self._counter(
            "penstock_frames_taken_total", "Large answers of brokers, each received into one frame.", "Load."
        )
        self.frames_reused = self._counter(
            "penstock_frames_reused_total",
            "Frames in memory that was used before.",
            "If it does not keep up with penstock_frames_taken_total: answers of several brokers are held at once. "
            "Raise pipeline.memory_limit.",
        )
        self.frame_bytes = self._gauge(
            "penstock_frame_bytes",
            "Memory of frames, in use or kept for the next ones.",
            "It is counted in penstock_memory_bytes. Answers of several brokers at once need more.",
        )
        self.rebalances = self._counter(
            "penstock_rebalances_total",
            "Times that the group gave this process partitions.",
            "Workers come and go: look for restarts, and for pauses longer than source.session_timeout. With "
            "source.instance_id a restart moves nothing.",
        )
        self.consumer_rebuilds = self._counter(
            "penstock_consumer_rebuilds_total",
            "Times that a silently stuck Kafka consumer was replaced.",
            "Look at the brokers and at the network; after three in a row the process ends with 75.",
        )
        self.group_waiting_seconds = self._gauge(
            "penstock_group_waiting_seconds",
            "For how long the consumer group has kept this process waiting for its share; 0 if it does not.",
            "Another member does not answer the rebalance: look for a worker that hangs, and at the group coordinator.",
        )
        self.assigned_partitions = self._gauge(
            "penstock_assigned_partitions",
            "Partitions that this process delivers.",
            "A worker is gone and this one has its share: see whether it keeps up (penstock_lag_records).",
        )
        self.stopped_partitions = self._gauge(
            "penstock_stopped_partitions",
            'Partitions that a fault stopped while the others go on (pipeline.on_fault = "continue").',
            "Act: the log names partition and reason. Nothing of it is delivered until the process is started again.",
        )
        self.lag_records = self._gauge(
            "penstock_lag_records",
            "Offsets between what was read and the partition's end, as of its last fetch.",
            "More is produced than delivered: add workers, or find what is slow (penstock_native_seconds, "
            "penstock_storage_seconds, penstock_paused).",
            "topic",
            "partition",
        )
        self.paused = self._gauge(
            "penstock_paused",
            "Partitions that are not fetched: memory is half full and what they hold is being stored, or it is short "
            "and nothing can be cut.",
            "The sink is slower than the source, or pipeline.memory_limit is too small for the number of partitions.",
        )

    def _define_decode(self) -> None:
        self._stage = "decode"
        stages = ("decode", "commit")
        self.frame_faults = self._counter(
            "penstock_frame_faults_total",
            "Batches of fetched frames that could not be read, by code. Each is fetched once more, then its partition "
            "stops.",
            "checksum_mismatch: look at that broker's disk and at the network. leader_epoch_fell: the log was "
            "truncated, and the partition stops at once. Others: a producer or a broker writes what nobody can read.",
            code=CODES,
        )
        self.aborted_records = self._counter(
            "penstock_aborted_records_total",
            "Records of aborted transactions, which are left out of every other count.",
            "Producers abort: look there. Nothing to do here.",
        )
        self.control_batches = self._counter(
            "penstock_control_batches_total",
            "Batches with markers of transactions, which hold no records.",
            "Transactions. Nothing to do.",
        )
        self.decompressed_bytes = self._counter(
            "penstock_decompressed_bytes_total",
            "Bytes that came out of compressed batches, keys, headers and framing included.",
            "Load. Nothing to do.",
        )
        self.records = self._counter(
            "penstock_records_total", "Records decoded, and records committed.", "Load. Nothing to do.", stage=stages
        )
        self.rows = self._counter("penstock_rows_total", "Records that became rows.", "Load.", stage=stages)
        self.dead_letters = self._counter(
            "penstock_dead_letters_total",
            "Records that became dead letters.",
            "A producer changed or is broken: penstock_records_rejected_total says how, the dead-letter table which. "
            "Above dead_letter.limit the process ends with 65.",
            stage=stages,
        )
        self.records_filtered = self._counter(
            "penstock_records_filtered_total",
            "Records that a filter dropped on purpose.",
            "If it was not expected: look at the filter, and at what producers now write in its columns.",
            stage=stages,
        )
        self.tombstones = self._counter(
            "penstock_tombstones_total", "Records without a value, which are no rows.", "Deletions.", stage=stages
        )
        self.records_rejected = self._counter(
            "penstock_records_rejected_total",
            "Records that the decoder rejected, by code.",
            "Look at the rows of this code in the dead-letter table; correct the producer or [decode].",
            code=(
                "empty_value",
                "invalid_json",
                "invalid_utf8",
                "lone_surrogate",
                "not_an_object",
                "too_deep",
                "too_large",
                "missing_required",
            ),
        )
        self.values_drifted = self._counter(
            "penstock_values_drifted_total",
            "Values that do not fit their column or have none, by reason. Nothing is lost: they are in _residue.",
            "type_mismatch, out_of_range: a producer changed a field; the column is null there. unknown_key: a new "
            "field; declare it in a new table if it is wanted.",
            code=("type_mismatch", "out_of_range", "unknown_key", "duplicate_key", "replaced_text", "filter_undecided"),
        )
        self.value_bytes = self._counter(
            "penstock_value_bytes_total", "Bytes of record values decoded.", "Load. Nothing to do."
        )
        self.native_seconds = self._histogram(
            "penstock_native_seconds",
            "Seconds per call of the core, waiting for a thread included: ingest decodes one poll, seal ends a file.",
            "The machine has too little CPU for the load: add workers, or cores (pipeline.workers).",
            "code",
        )

    def _define_sink(self) -> None:
        self._stage = "sink"
        self.file_bytes = self._counter(
            "penstock_file_bytes_total", "Bytes of data files committed.", "Load. Nothing to do."
        )
        self.storage_seconds = self._histogram(
            "penstock_storage_seconds",
            "Seconds per call that touches storage, waiting for a thread included.",
            "The file system is slow: look at the disk, the network behind it, and who else uses it.",
        )
        self.storage_errors = self._counter(
            "penstock_storage_errors_total",
            "Calls that storage failed: disk full, outage. They are tried again, after 30 s without a success the "
            "process ends with 75.",
            "Act: make space, or bring the storage back. Nothing that is committed is affected.",
        )
        self.cuts = self._counter(
            "penstock_cuts_total",
            "Ranges that were ended to be committed, by what came first: a limit of sink.cut, memory, or the end of "
            "the assignment.",
            "memory: files are cut early and become small; raise pipeline.memory_limit. end: see "
            "penstock_rebalances_total.",
            code=("bytes", "rows", "age", "memory", "end"),
        )
        self.memory_bytes = self._gauge(
            "penstock_memory_bytes",
            "Bytes that fetched frames, open and sealed files hold.",
            "From 70 % of penstock_memory_limit_bytes the largest file is cut early.",
        )
        self.memory_limit_bytes = self._gauge(
            "penstock_memory_limit_bytes", "pipeline.memory_limit.", "It changes with the configuration only."
        )
        self.open_files = self._gauge(
            "penstock_open_files",
            "Data files that are being built, over both tables.",
            "At most two per partition; each needs memory.",
        )

    def _define_commit(self) -> None:
        self._stage = "commit"
        self.commits = self._counter(
            "penstock_commits_total",
            "Ranges that became visible and are ours.",
            "Many small commits make many small files: raise sink.cut.",
        )
        self.puts = self._counter(
            "penstock_puts_total",
            "Answers to attempts to make a file visible, by table. lost: another worker was first. unknown: no answer; "
            "the table is read to find out. Neither loses or doubles a row.",
            "lost: two workers believe they own a partition, which a rebalance explains for a moment; if it goes on, "
            "look for a second job on this table. unknown: look at the storage.",
            table=("main", "dead_letter"),
            code=("committed", "lost", "unknown"),
        )
        self.commit_seconds = self._histogram(
            "penstock_commit_seconds",
            "Seconds from the cut to the commit.",
            "See penstock_storage_seconds; a broker that is asked for the topic's id may be slow too.",
        )
        self.last_commit_age_seconds = self._gauge(
            "penstock_last_commit_age_seconds",
            "Seconds since the last commit, or since the start before the first one.",
            "Normal while nothing is produced. With lag: see penstock_uncommitted_age_seconds.",
        )
        self.uncommitted_age_seconds = self._gauge(
            "penstock_uncommitted_age_seconds",
            "For how many seconds the oldest record that was read has waited for its commit.",
            "Above sink.cut.age for long: commits do not get through. penstock_ready and /readyz say why.",
        )
        self.gap_offsets = self._counter(
            "penstock_gap_offsets_total",
            "Offsets that retention deleted before they were read, written down in committed files "
            '(source.on_gap = "record").',
            "Records were lost before they reached Penstock: give the topic more retention or the pipeline more "
            "workers.",
        )
        self.acknowledge_errors = self._counter(
            "penstock_acknowledge_errors_total",
            "Times that Kafka's committed offsets could not be written.",
            "Lag tools show too much; the table is right. Look at the group coordinator and the rights on the group.",
        )

    def _define_process(self) -> None:
        self._stage = "process"
        self.ready = self._gauge(
            "penstock_ready",
            "1 while partitions are assigned and commits do not fail, as /readyz says.",
            "If it falls: /readyz names the reason.",
        )
        self.loop_stalls = self._counter(
            "penstock_loop_stalls_total",
            "Times that the event loop did not turn for 10 s.",
            "A bug, or a machine without CPU: the log has the stacks of all threads from that moment.",
        )
        info = build_info()
        labels = {name: info[name] for name in ("version", "profile", "target")}
        build = self._gauge("penstock_build_info", "1, with what runs as labels.", "It does not.", *labels)
        build.labels(**labels).set(1)
        ProcessCollector(registry=self.registry)

    # ---- what happens

    def ingested(self, reports: Iterable[Report], rejections: Iterable[Sequence[OffsetRejection]]) -> None:
        """One poll was decoded."""
        for report in reports:
            self._count("decode", report)
            self.value_bytes.inc(report.bytes)
            self.aborted_records.inc(report.aborted_records)
            self.control_batches.inc(report.control_batches)
            self.decompressed_bytes.inc(report.decompressed_bytes)
            if report.fault is not None:
                self.frame_faults.labels(report.fault.code).inc()
            for reason, count in report.drift.items():
                self.values_drifted.labels(reason).inc(count)
        codes: dict[str, int] = {}
        for of_batch in rejections:
            for rejection in of_batch:
                codes[rejection.code] = codes.get(rejection.code, 0) + 1
        for code, count in codes.items():
            self.records_rejected.labels(code).inc(count)

    def put_answered(self, table: Table, outcome: Outcome) -> None:
        """A file was to be made visible."""
        code = "committed" if isinstance(outcome, Committed) else "lost" if isinstance(outcome, Lost) else "unknown"
        self.puts.labels(table, code).inc()

    def committed(self, cut: Cut, file_bytes: int) -> None:
        """`cut` is visible and ours."""
        self._count("commit", cut.counts)
        self.commits.inc()
        self.file_bytes.inc(file_bytes)
        self.gap_offsets.inc(sum(gap.end - gap.start for gap in cut.gaps))
        self._committed_at = time.monotonic()

    def fetched(self, size_bytes: int, discarded_bytes: int) -> None:
        """Record batches of one partition came."""
        self.fetch_bytes.observe(size_bytes)
        self.discarded_bytes.inc(discarded_bytes)

    def observe_frames(self, pool: FramePool) -> None:
        """What `pool` gave out by now, and what it holds."""
        taken, reused = pool.taken, pool.reused
        self.frames_taken.inc(taken - self._frames[0])
        self.frames_reused.inc(reused - self._frames[1])
        self._frames = (taken, reused)
        self.frame_bytes.set(pool.bytes_in_use + pool.bytes_kept)

    def observe_lag(self, lag: Mapping[Partition, int]) -> None:
        """The lag of every partition that is read; the others have none any more."""
        places = {(partition.topic, partition.number): offsets for partition, offsets in lag.items()}
        for gone in self._lagging - places.keys():
            self.lag_records.remove(*gone)
        self._lagging = set(places)
        for place, offsets in places.items():
            self.lag_records.labels(*place).set(offsets)

    def _count(self, stage: Literal["decode", "commit"], counts: Report | Counts) -> None:
        self.records.labels(stage).inc(counts.records)
        self.rows.labels(stage).inc(counts.rows)
        self.dead_letters.labels(stage).inc(counts.dead_letters)
        self.records_filtered.labels(stage).inc(counts.filtered)
        self.tombstones.labels(stage).inc(counts.tombstones)

    # ---- what is seen

    def total(self, name: str, **labels: str) -> int:
        """The sum of a sample's values over the labels that are not given; 0 if there is none."""
        samples = (sample for family in self.registry.collect() for sample in family.samples)
        return round(sum(s.value for s in samples if s.name == name and labels.items() <= s.labels.items()))

    def render(self) -> bytes:
        """All of it in Prometheus' text format; takes a millisecond per few hundred series."""
        self.last_commit_age_seconds.set(time.monotonic() - self._committed_at)
        return generate_latest(self.registry)


def _combinations(labels: Mapping[str, Sequence[str]]) -> Iterable[tuple[str, ...]]:
    if not labels:
        return ()
    found: list[tuple[str, ...]] = [()]
    for values in labels.values():
        found = [(*before, value) for before in found for value in values]
    return found
