"""The bench of fetching, small: what is read, how answers are checked, what is printed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from bench import fetch
from bench.fetching import child
from bench.fetching.feed import SIZES
from bench.fetching.measured import Measured, measure, median, ratio
from bench.fetching.readers import READERS
from bench.fetching.results import Run
from bench.fetching.ring import Contents, Ring

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

VALUES = ([b"a", b"bc", b"d"], [b"e", b""])
SIZE = SIZES["1k"]


def _contents(values: Iterable[bytes]) -> Contents:
    found = Contents()
    for value in values:
        found.add(value)
    return found


RING = Ring("localhost:1", "t", [_contents(values) for values in VALUES])


class _Memory:
    """A reader that brings one record of one partition at a time, and `change`s the values."""

    def __init__(self, *, lost_offset: int | None = None, change: bytes = b"") -> None:
        self._at = [0] * len(VALUES)
        self._turn = 0
        self._lost_offset = lost_offset
        self._change = change
        self._brought: tuple[int, int] | None = None

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def fetch(self) -> None:
        self._turn = (self._turn + 1) % len(VALUES)
        at = self._at[self._turn]
        self._brought = (self._turn, at) if at < len(VALUES[self._turn]) else None
        self._at[self._turn] += self._brought is not None

    def positions(self) -> Sequence[tuple[int, int]]:
        return [] if self._brought is None else [(self._turn, self._at[self._turn])]

    def rewind(self, partition: int) -> None:
        self._at[partition] = 0

    async def read(self) -> int:
        return int(self._brought is not None and self._brought[1] != self._lost_offset)

    def values(self) -> Sequence[tuple[int, bytes]]:
        if self._brought is None or self._brought[1] == self._lost_offset:
            return []
        partition, at = self._brought
        return [(partition, VALUES[partition][at] + self._change)]


async def _run(monkeypatch: pytest.MonkeyPatch, reader: _Memory, ring: Ring = RING) -> dict[str, Any]:
    clock = iter(range(10_000))
    monkeypatch.setattr(child, "_STUCK_SECONDS", 0.2)
    monkeypatch.setattr(child, "_cpu_seconds", lambda: next(clock) / 100)
    monkeypatch.setitem(READERS, "memory", lambda _ring, _settings: reader)
    return await child.run("memory", ring, {}, 0.5)


async def test_ring_is_read_round_and_round(monkeypatch: pytest.MonkeyPatch) -> None:
    """Until the CPU time is used up; each round counts."""
    found = await _run(monkeypatch, _Memory())
    assert found["wrong"] is None
    assert found["records"] > RING.records
    assert 0 < found["steady_records"] < found["records"]
    assert found["cpu_seconds"] >= 0.5


async def test_lost_record_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    """Already while it is measured."""
    found = await _run(monkeypatch, _Memory(lost_offset=1))
    assert "offsets were passed" in found["wrong"]


async def test_changed_value_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    """Though there are as many as there should be."""
    assert (await _run(monkeypatch, _Memory(change=b"!")))["wrong"] == "partition 0: other values"


async def test_missing_value_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    """And ends by itself."""
    longer = Ring("", "t", [*RING.partitions[:1], Contents(3, 0)])
    found = await _run(monkeypatch, _Memory(), longer)
    assert found["wrong"] == "partition 1: 2 records instead of 3"


def test_ring_comes_back_from_json() -> None:
    """It is what a child reads."""
    assert Ring.from_json(RING.as_json()) == RING


def test_order_and_bounds_of_values_matter() -> None:
    """The checksum is not one of the values joined."""
    assert _contents([b"a", b"bc"]) != _contents([b"ab", b"c"])
    assert _contents([b"a", b"b"]) != _contents([b"b", b"a"])


def _measured(mode: str, rate: float, wrong: str | None = None) -> Measured:
    return Measured(SIZE, "zstd", mode, rate, rate, wrong)


def test_of_several_rounds_the_median_counts_and_a_wrong_one_always() -> None:
    """A round that is wrong can't be outvoted."""
    rounds = [_measured("fast", 3), _measured("fast", 1), _measured("fast", 2)]
    assert median(rounds).records_per_cpu_second == 2
    assert median([*rounds, _measured("fast", 9, "x")]).wrong == "x"


def test_ratio_is_among_those_that_are_right() -> None:
    """Who is wrong stays in the table without one."""
    found = [_measured("getmany", 2), _measured("fast", 5), _measured("confluent", 1, "x")]
    assert ratio(found, "fast", "getmany") == 2.5
    assert ratio(found, "fast", "confluent") is None


def test_objects_have_exactly_the_keys_that_are_promised() -> None:
    """And a reason where something is wrong."""
    objects = _run_of(_measured("getmany", 2.4), _measured("fast", 5, "x")).as_objects()
    keys = ["bytes", "codec", "mode", "records_per_cpu_second", "correct"]
    assert [list(one) for one in objects] == [keys, [*keys, "reason"]]
    assert objects[0] == {
        "bytes": 1024,
        "codec": "zstd",
        "mode": "getmany",
        "records_per_cpu_second": 2,
        "correct": True,
    }


def _run_of(*measured: Measured) -> Run:
    return Run(measured, 1, 1.0, {"fetch_max_bytes": 8}, "bench/fetch.py")


def test_table_names_targets_that_were_measured() -> None:
    """Beside what was reached."""
    run = _run_of(_measured("getmany", 2), _measured("fast_decoded", 9), _measured("confluent", 3))
    lines = [line.split() for line in run.as_text().splitlines()]
    assert ["fast_decoded", "9", "9", "4.50x", "3.00x", "yes"] in lines
    assert ["1k,", "zstd:", "fast_decoded", "to", "getmany", "4x", "5x", "4.50x"] in lines
    assert ["1k,", "zstd:", "fast_decoded", "to", "confluent", "2x", "2.5x", "3.00x"] in lines
    assert "Targets, start-up included" in run.as_markdown("plot.svg")


def test_child_that_fails_stays_with_its_last_words() -> None:
    """No broker is there: it did nothing, so its rate is 0."""
    found = measure("getmany", SIZE, "none", RING, {}, cpu_seconds=0.1, limit_seconds=60)
    assert found.wrong is not None
    assert found.wrong.startswith("ended with 1: ")
    assert found.as_object()["records_per_cpu_second"] == 0


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--size", "2k"], "invalid choice: '2k'"),
        (["--codec", "gzip"], "invalid choice: 'gzip'"),
        (["--mode", "x"], "invalid choice: 'x'"),
        (["--records", "0"], "'0' is not a whole number above 0"),
        (["--rounds", "-1"], "'-1' is not a whole number above 0"),
    ],
)
def test_mistaken_argument_is_told(arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    """With exit code 2, before anything starts."""
    with pytest.raises(SystemExit) as exit_:
        fetch.main(arguments)
    assert exit_.value.code == 2
    assert told in capsys.readouterr().err


def test_help_has_examples(capsys: pytest.CaptureFixture[str]) -> None:
    """Commands that can be run as they stand."""
    with pytest.raises(SystemExit):
        fetch.main(["--help"])
    assert "\n  python bench/fetch.py --quick\n" in capsys.readouterr().out


def test_missing_jdk_is_one_clear_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """With exit code 69."""
    monkeypatch.setenv("PATH", "")
    assert fetch.main(["--quick"]) == 69
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.splitlines()[-1] == "Apache Kafka needs a JDK, 17 or newer: no `java` on PATH."


@pytest.mark.broker
def test_whole_bench_prints_json(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Every mode is right."""
    monkeypatch.setattr(fetch, "CPU_SECONDS", 0.4)
    assert (
        fetch.main(["--size", "1k", "--codec", "zstd", "--records", "2000", "--rounds", "1", "--output", "json"]) == 0
    )
    found = json.loads(capsys.readouterr().out)
    assert [one["mode"] for one in found] == ["getmany", "fast", "fast_decoded", "confluent"]
    assert all(one["correct"] for one in found), found
