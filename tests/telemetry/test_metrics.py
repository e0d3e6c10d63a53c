"""One file has every metric, its page is made from it, and the counts add up."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from penstock.batch import Committed, Counts, Cut, Gap, Lost, Partition, Range, Unknown
from penstock.telemetry.metrics import Metrics
from penstock.telemetry.reference import page

ROOT = Path(__file__).parents[2]
EVENTS = Partition("cluster", "events", "id", 3)
LABELS = {"stage", "table", "code", "topic", "partition"}
BUILD_INFO = "penstock_build_info"


def scraped(metrics: Metrics) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Every sample of a scrape, as Prometheus' own reader understands it."""
    families = text_string_to_metric_families(metrics.render().decode())
    return {(s.name, frozenset(s.labels.items())): s.value for family in families for s in family.samples}


def sample(metrics: Metrics, name: str, **labels: str) -> float:
    return scraped(metrics)[name, frozenset(labels.items())]


def report(**counts: Any) -> Any:
    """What the core says about a batch."""
    names = ("records", "rows", "dead_letters", "filtered", "tombstones", "bytes")
    of_frames = ("aborted_records", "control_batches", "decompressed_bytes")
    zeros: dict[str, Any] = {**dict.fromkeys((*names, *of_frames), 0), "drift": {}, "fault": None}
    return SimpleNamespace(**(zeros | counts))


def cut(counts: Counts, *gaps: Gap) -> Cut:
    return Cut(EVENTS, 1, Range(0, 10), "commit", "plan", counts, gaps)


def test_the_page_is_made_from_the_definitions() -> None:
    """If this fails: `make docs`."""
    assert (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8") == page()


def test_names_and_labels_keep_to_the_rule() -> None:
    """A counter says what it counts and ends with `_total`; seconds and bytes are in the name; labels are few."""
    for found in Metrics().definitions:
        assert re.fullmatch(r"penstock(_[a-z]+)+", found.name)
        assert found.name.endswith("_total") is (found.kind == "counter"), found.name
        assert found.kind != "histogram" or found.name.endswith(("_seconds", "_bytes"))
        assert set(found.labels) <= LABELS or found.name == BUILD_INFO
        assert found.meaning.endswith(".")
        assert found.rising.endswith("."), found.name


def test_a_scrape_has_what_is_defined_and_the_process_and_nothing_else() -> None:
    """Also the time a counter was made is left out: it would double the series."""
    metrics = Metrics()
    families = {family.name for family in text_string_to_metric_families(metrics.render().decode())}
    defined = {found.name.removesuffix("_total") for found in metrics.definitions}
    assert {name for name in families if not name.startswith("process_")} == defined
    assert "process_open_fds" in families


def test_closed_sets_are_there_as_zeros_from_the_start() -> None:
    """Otherwise the first rejection of a kind is no increase."""
    metrics = Metrics()
    assert sample(metrics, "penstock_records_rejected_total", code="too_deep") == 0
    assert sample(metrics, "penstock_puts_total", table="dead_letter", code="lost") == 0
    assert sample(metrics, "penstock_records_total", stage="commit") == 0


def test_two_runs_in_one_process_have_nothing_in_common() -> None:
    """There is no global registry."""
    first, second = Metrics(), Metrics()
    first.polls.inc()
    assert sample(second, "penstock_polls_total") == 0


def test_what_was_decoded_is_counted_by_what_became_of_it() -> None:
    """Records, drift by reason and rejections by code, of all batches of a poll."""
    metrics = Metrics()
    reports = [
        report(records=7, rows=3, dead_letters=2, filtered=1, tombstones=1, bytes=100, drift={"unknown_key": 4}),
        report(records=1, rows=1, bytes=10),
    ]
    rejections: Any = [[SimpleNamespace(code="too_deep"), SimpleNamespace(code="too_deep")], []]
    metrics.ingested(reports, rejections)
    kinds = ("rows", "dead_letters", "records_filtered", "tombstones")
    found = [sample(metrics, f"penstock_{kind}_total", stage="decode") for kind in kinds]
    assert found == [4, 2, 1, 1]
    assert sample(metrics, "penstock_records_total", stage="decode") == sum(found)
    assert sample(metrics, "penstock_value_bytes_total") == 110
    assert sample(metrics, "penstock_values_drifted_total", code="unknown_key") == 4
    assert sample(metrics, "penstock_records_rejected_total", code="too_deep") == 2
    assert sample(metrics, "penstock_records_total", stage="commit") == 0


def test_a_commit_counts_its_records_its_bytes_and_the_offsets_that_were_lost() -> None:
    """Gaps are counted once they are written down, so a range that is read again counts once."""
    metrics = Metrics()
    metrics.committed(cut(Counts(3, 1, 1, 0, 1), Gap(5, 9)), 1000)
    assert sample(metrics, "penstock_records_total", stage="commit") == 3
    assert sample(metrics, "penstock_commits_total") == 1
    assert sample(metrics, "penstock_file_bytes_total") == 1000
    assert sample(metrics, "penstock_gap_offsets_total") == 4


@pytest.mark.parametrize(
    ("outcome", "code"), [(Committed(3), "committed"), (Lost(), "lost"), (Unknown("timeout"), "unknown")]
)
def test_every_answer_to_a_put_is_counted(outcome: Any, code: str) -> None:
    """By table; the reason of an unknown one is no label."""
    metrics = Metrics()
    metrics.put_answered("main", outcome)
    assert sample(metrics, "penstock_puts_total", table="main", code=code) == 1


def test_a_partition_that_is_read_no_more_has_no_lag() -> None:
    """After a rebalance its lag is another's to tell."""
    metrics = Metrics()
    other = EVENTS._replace(number=4)
    metrics.observe_lag({EVENTS: 10, other: 20})
    metrics.observe_lag({other: 5})
    assert metrics.total("penstock_lag_records") == 5
    assert ("penstock_lag_records", frozenset({("topic", "events"), ("partition", "3")})) not in scraped(metrics)
