"""What a daemon says about itself, next to what it did."""

from __future__ import annotations

import signal
from collections import Counter
from typing import TYPE_CHECKING

import pyarrow.parquet as pq
from prometheus_client.parser import text_string_to_metric_families

from penstock.telemetry.metrics import Metrics
from tests.broker.records import ROW, TOMBSTONE
from tests.broker.scraping import TELEMETRY, Telemetry
from tests.broker.source_log import data_files

if TYPE_CHECKING:
    from pathlib import Path

    from tests.broker.cluster import KafkaCluster
    from tests.broker.daemon import Job
    from tests.broker.producing import Source
    from tests.broker.topics import Topics

_KINDS = ("rows", "dead_letters", "records_filtered", "tombstones")


def _rows(table: Path) -> int:
    return sum(pq.read_metadata(path).num_rows for path in data_files(table))


def test_the_numbers_are_those_of_the_tables(topics: Topics, job: Job, source: Source) -> None:
    """With malformed, drifting and empty records: every record is counted once, and as what it became."""
    topic = topics.create(partitions=2)
    positions = source.produce(topic, 1000, partitions=range(2))
    verdicts = Counter(job.log.entries[position].verdict for position in positions)
    job.configure(topic, telemetry=TELEMETRY)
    daemon = job.start("--output", "json")
    told = Telemetry(daemon)
    job.wait_visible()
    told.wait_total(2000, "penstock_records_total", stage="commit")
    for stage in ("decode", "commit"):
        counts = {kind: told.total(f"penstock_{kind}_total", stage=stage) for kind in _KINDS}
        assert sum(counts.values()) == told.total("penstock_records_total", stage=stage) == 2000
        assert counts["rows"] == verdicts[ROW] == _rows(job.table)
        assert counts["dead_letters"] == _rows(job.dead_letters)
        assert counts["tombstones"] == verdicts[TOMBSTONE]
    for code in verdicts.keys() - {ROW, TOMBSTONE}:
        assert told.total("penstock_records_rejected_total", code=code) == verdicts[code], code
    assert told.total("penstock_values_drifted_total", code="type_mismatch") > 0
    assert told.total("penstock_values_drifted_total", code="unknown_key") > 0
    told.wait_total(0, "penstock_lag_records")
    assert told.total("penstock_assigned_partitions") == 2
    assert told.total("penstock_rebalances_total") >= 1
    committed = {name: told.total(f"penstock_{name}_total") for name in ("commits", "value_bytes", "file_bytes")}
    assert told.total("penstock_puts_total", table="main", code="committed") == committed["commits"]
    assert told.total("penstock_cuts_total") == committed["commits"]
    assert daemon.terminate() == 0
    summary = daemon.summary()
    assert committed == {
        "commits": summary["commits"],
        "value_bytes": summary["bytes_in"],
        "file_bytes": summary["bytes_out"],
    }
    assert f"Everything that was committed in this run.  records=2000 rows={verdicts[ROW]} " in daemon.stderr
    job.assert_exact()


def test_a_scrape_has_every_metric_that_is_documented(topics: Topics, job: Job, source: Source) -> None:
    """Names in code, page and scrape are the same (that the page is the code's is tested elsewhere)."""
    topic = topics.create()
    source.produce(topic, 10)
    job.configure(topic, telemetry=TELEMETRY)
    told = Telemetry(job.start())
    job.wait_visible()
    families = {family.name for family in text_string_to_metric_families(told.get("/metrics")[1])}
    defined = {definition.name.removesuffix("_total") for definition in Metrics().definitions}
    assert {name for name in families if not name.startswith("process_")} == defined


def test_ready_means_that_partitions_are_assigned(
    kafka: KafkaCluster, topics: Topics, job: Job, source: Source
) -> None:
    """While Kafka does not answer the daemon is alive and not ready, with the reason; afterwards it is ready."""
    topic = topics.create()
    source.produce(topic, 10)
    job.configure(topic, telemetry=TELEMETRY)
    node = kafka.nodes[1]
    node.send(signal.SIGSTOP)
    try:
        told = Telemetry(job.start())
        status, body = told.health("/readyz")
        assert (status, body["status"]) == (503, "not ready")
        assert "starting" in body["reason"]
        assert told.health("/healthz") == (200, {"status": "alive"})
        assert told.total("penstock_ready") == 0
    finally:
        node.send(signal.SIGCONT)
    told.wait_ready()
    assert told.total("penstock_ready") == 1


def test_two_members_tell_their_own_lag(topics: Topics, job: Job, source: Source) -> None:
    """After a rebalance each has the partitions that are its own, and the drain of one is told to the other."""
    topic = topics.create(partitions=4)
    source.produce(topic, 10, partitions=range(4))
    job.configure(topic, telemetry=TELEMETRY)
    first_daemon = job.start()
    first = Telemetry(first_daemon)
    first.wait_total(4, "penstock_assigned_partitions")
    second_daemon = job.start()
    second = Telemetry(second_daemon)
    second.wait_total(2, "penstock_assigned_partitions")
    first.wait_total(2, "penstock_assigned_partitions")
    assert first.total("penstock_rebalances_total") == 2
    assert second_daemon.terminate() == 0
    first.wait_total(4, "penstock_assigned_partitions")
    job.wait_visible()
    assert first_daemon.terminate() == 0
    job.assert_exact()


def test_a_taken_port_ends_with_69(topics: Topics, job: Job) -> None:
    """It is named with its setting before anything is connected."""
    topic = topics.create()
    job.configure(topic, telemetry=TELEMETRY)
    first = job.start()
    told = Telemetry(first)
    address = told.address
    second = job.start(pipeline=job.configure(topic, file="second.toml", telemetry={"listen": address}))
    assert second.wait_exit() == 69
    assert f'[telemetry] listen = "{address}": another process listens there' in second.stderr
    assert first.terminate() == 0
