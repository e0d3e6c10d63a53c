from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bench import run
from bench.child import Cost
from bench.child import run as run_child
from bench.entries import ENTRIES, OURS
from bench.feed import Feed, make_feed
from bench.job import SIZES, Size, stream
from bench.measured import Measured, measure, median
from bench.reference import difference, expected_row
from bench.results import Run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SIZE = SIZES["1k"]
RECORDS = 250
PYARROW = next(entry for entry in ENTRIES if entry.name == "script_pyarrow")
EVENT = (
    b'{"event_id":"e1","timestamp":"2026-01-05T08:00:00.250+00:00","level":"info","service":"research",'
    b'"agent_id":"a1","session_id":"s1","event":"llm_call","user_email":"ada.ito3@example.com","status":"ok",'
    b'"latency_ms":12.5,"usage":{"input_tokens":7,"output_tokens":5,"total_tokens":12},'
    b'"content":"Ask ada\\u0040example.com, b_c@d-e.example.org. @nobody a@b"}'
)


@pytest.fixture(scope="module")
def feed(tmp_path_factory: pytest.TempPathFactory) -> Feed:
    """A few events in a file, and the table they must become."""
    return make_feed(SIZE, RECORDS, tmp_path_factory.mktemp("feed"), cluster=None)


def test_reference_does_the_whole_job() -> None:
    """Every column from its path, the dropped one gone, addresses found behind escapes and nothing else."""
    row = expected_row(EVENT, SIZE)
    assert row is not None
    assert row.pop("at").isoformat() == "2026-01-05T08:00:00.250000+00:00"
    assert row == {
        "event_id": "e1",
        "level": "info",
        "service": "research",
        "agent_id": "a1",
        "session_id": "s1",
        "user_email": "[email]",
        "event": "llm_call",
        "model": None,
        "latency_ms": 12.5,
        "input_tokens": 7,
        "output_tokens": 5,
        "total_tokens": 12,
        "tool": None,
        "tool_ok": None,
        "error": None,
        "content": "Ask [email], [email]. @nobody a@b",
    }


@pytest.mark.parametrize("level", [b'"debug"', b"null"])
def test_reference_drops_what_is_not_truly_kept(level: bytes) -> None:
    """As SQL does: where the level is null, `level <> 'debug'` is not true."""
    assert expected_row(EVENT.replace(b'"info"', level), SIZE) is None


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_events_exercise_every_step(size: Size) -> None:
    """A part is dropped, and where there is text, addresses are in it, with and without escape."""
    values = [value for _, value in stream(size, 1000)]
    rows = [row for value in values if (row := expected_row(value, size)) is not None]
    assert 700 < len(rows) < 900
    assert sum(row["user_email"] == "[email]" for row in rows) > 400
    if size.address_every:
        assert sum(row["content"].startswith("Ask [email]: ") for row in rows) >= 700 // size.address_every
        for written in (b"Ask lena.ito0@example.com: ", b"Ask lena.ito1\\u0040example.com: "):
            assert sum(written in value for value in values) == 1


def _write(table: pa.Table, directory: Path) -> Path:
    pq.write_table(table, directory / "rows.parquet", compression="zstd")
    return directory


def _with(column: str, value: Any) -> Callable[[pa.Table], pa.Table]:
    def change(table: pa.Table) -> pa.Table:
        values = table[column].to_pylist()
        values[3] = value
        return table.set_column(table.schema.names.index(column), column, [values])

    return change


def test_checker_takes_the_same_rows_in_any_order_and_text_type(feed: Feed, tmp_path: Path) -> None:
    """Several files, reversed rows, other string types, columns in another order, a residue without a value."""
    expected = feed.expected
    table = expected.take(list(reversed(range(len(expected))))).select(sorted(expected.schema.names))
    plain = [pa.field(f.name, pa.string() if f.type == pa.large_string() else f.type) for f in table.schema]
    table = table.cast(pa.schema(plain)).append_column("_residue", pa.nulls(len(table), pa.string()))
    pq.write_table(table.slice(0, 10), tmp_path / "a.parquet", compression="zstd")
    pq.write_table(table.slice(10), tmp_path / "b.parquet", compression="zstd")
    (tmp_path / ".c.parquet").write_bytes(b"being written")
    assert difference(tmp_path, expected) is None


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (_with("input_tokens", -1), "rows that differ in input_tokens: 1, the first has event_id "),
        (_with("user_email", "ada@example.com"), "rows that differ in user_email: 1"),
        (_with("content", None), "rows that differ in content: 1"),
        (_with("error", "x"), "rows that differ in error: 1"),
        (_with("event_id", "another"), "rows missing: 1, rows too many: 1"),
        (_with("event_id", None), "rows missing: 1, rows too many: 1"),
        (lambda table: table.slice(1), "rows missing: 1"),
        (lambda table: pa.concat_tables([table, table.slice(5, 2)]), "rows there twice: 2"),
        (lambda table: table.slice(0, 0), "rows missing: "),
        (lambda table: table.drop_columns("tool_ok"), "column tool_ok is missing"),
        (lambda table: table.append_column("status", table["level"]), "column status should not be there"),
        (lambda table: table.append_column("_residue", table["level"]), "rows with something in _residue: "),
        (
            lambda table: table.set_column(0, "event_id", table["event_id"].cast(pa.large_binary())),
            "column event_id is large_binary, not large_string",
        ),
    ],
)
def test_checker_notices(feed: Feed, tmp_path: Path, change: Callable[[pa.Table], pa.Table], told: str) -> None:
    """Whatever is not the reference's table, and says what."""
    found = difference(_write(change(feed.expected), tmp_path), feed.expected)
    assert found is not None
    assert told in found


def test_checker_notices_work_that_was_saved(feed: Feed, tmp_path: Path) -> None:
    """Another codec for one column, none where one would help, or no statistics of one."""
    names = feed.expected.schema.names
    codecs = dict.fromkeys(names, "zstd") | {"model": "snappy"}
    pq.write_table(feed.expected, tmp_path / "rows.parquet", compression=codecs)
    assert difference(tmp_path, feed.expected) == "column model is not compressed with zstd"
    codecs = dict.fromkeys(names, "zstd") | {"agent_id": "none"}
    pq.write_table(feed.expected, tmp_path / "rows.parquet", compression=codecs, use_dictionary=False)
    assert difference(tmp_path, feed.expected) == "column agent_id is not compressed with zstd"
    some = [name for name in names if name not in {"content", "model"}]
    pq.write_table(feed.expected, tmp_path / "rows.parquet", compression="zstd", write_statistics=some)
    assert difference(tmp_path, feed.expected) == "column model has no statistics"


def test_checker_notices_that_there_is_no_table(feed: Feed, tmp_path: Path) -> None:
    """Nor one that can be read."""
    assert difference(tmp_path, feed.expected) == "no table"
    (tmp_path / "rows.parquet").write_bytes(b"PAR1")
    assert (difference(tmp_path, feed.expected) or "").startswith("unreadable: ")


def test_script_does_the_job_and_is_measured(feed: Feed, tmp_path: Path) -> None:
    """A script in its own process, from a file to a table that is right."""
    found = measure(PYARROW, "file_to_parquet", SIZE, feed, tmp_path / "run", limit_seconds=60)
    assert found.wrong is None
    assert found.bytes_written > 0
    assert found.as_object()["correct"] is True
    assert not (tmp_path / "run").exists()


def test_script_that_fails_stays_with_its_last_words(feed: Feed, tmp_path: Path) -> None:
    """It did nothing, so its rates are 0."""
    broken = tmp_path / "broken.ndjson"
    broken.write_bytes(b'{"event_id": 1}\n')
    other = Feed(broken, "", "", 1, 15, feed.expected)
    found = measure(PYARROW, "file_to_parquet", SIZE, other, tmp_path / "run", limit_seconds=60)
    assert found.wrong is not None
    assert "ended with 1" in found.wrong
    assert found.as_object() | {"correct": False, "events_per_cpu_second": 0} == found.as_object()


def test_child_that_does_not_end_is_killed(tmp_path: Path) -> None:
    """Whatever it is doing."""
    cost = run_child(["sleep", "600"], limit_seconds=0.5, env={}, log=tmp_path / "log")
    assert cost.exit_code == -9


def test_child_leaves_what_it_said(tmp_path: Path) -> None:
    """Both of its outputs, and it finds what it is given."""
    log = tmp_path / "log"
    cost = run_child(["sh", "-c", "echo $X; echo no >&2; exit 3"], limit_seconds=60, env={"X": "yes"}, log=log)
    assert cost.exit_code == 3
    assert log.read_text() == "yes\nno\n"


def test_child_is_charged_for_its_own_memory(tmp_path: Path) -> None:
    """And not for the memory of this process, which is made large here."""
    ballast = b"x" * (300 << 20)
    cost = run_child(["sh", "-c", "true"], limit_seconds=60, env={}, log=tmp_path / "log")
    assert cost.peak_rss_bytes < len(ballast) // 2


def _measured(name: str, cpu_seconds: float, wrong: str | None = None, size: str = "1k") -> Measured:
    cost = Cost(1 if wrong == "failed" else 0, cpu_seconds, cpu_seconds, 100)
    return Measured("file_to_parquet", size, name, 1000, 10**6, cost, 10, wrong)


def test_of_several_rounds_the_median_counts_and_a_wrong_one_always() -> None:
    """A round that is wrong can't be outvoted."""
    rounds = [_measured("a", 3), _measured("a", 1), _measured("a", 2)]
    assert median(rounds).cost.cpu_seconds == 2
    assert median([*rounds, _measured("a", 9, "x")]).wrong == "x"


def test_ratio_is_to_the_best_script_that_is_right() -> None:
    """A faster one that is wrong stays in the table without a ratio."""
    found = Run((_measured(OURS, 1), _measured("b", 2), _measured("c", 0.1, "rows missing: 1")), 1, "")
    cells = {line.split()[0]: line.split()[-2:] for line in found.as_text().splitlines()[2:]}
    assert cells == {OURS: ["2.00x", "yes"], "b": ["1.00x", "yes"], "c": ["-", "NO"]}
    assert [one["correct"] for one in found.as_objects()] == [True, True, False]


def test_share_of_start_up_is_told() -> None:
    """Where it was measured, as part of the CPU of the whole run."""
    found = Run((replace(_measured("a", 2), start_up_seconds=0.5), _measured("b", 2)), 1, "")
    cells = [line.split()[4] for line in found.as_text().splitlines()[2:]]
    assert cells == ["25%", "-"]


def test_objects_have_exactly_the_keys_that_are_promised() -> None:
    """And the size only where there are several."""
    keys = ["name", "events_per_cpu_second", "mb_per_cpu_second", "events_per_second"]
    keys += ["peak_rss_bytes", "bytes_written", "correct"]
    assert [list(one) for one in Run((_measured("a", 1),), 1, "").as_objects()] == [keys]
    several = Run((_measured("a", 1), _measured("a", 1, size="8k")), 1, "")
    assert [list(one) for one in several.as_objects()] == [["size", *keys]] * 2


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--scenario", "x"], "invalid choice: 'x'"),
        (["--size", "2k"], "invalid choice: '2k'"),
        (["--records", "0"], "'0' is not a whole number above 0"),
        (["--rounds", "-1"], "'-1' is not a whole number above 0"),
        (["--records", "1e5"], "'1e5' is not a whole number above 0"),
    ],
)
def test_mistaken_argument_is_told(arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    """With exit code 2, before anything starts."""
    with pytest.raises(SystemExit) as exit_:
        run.main(arguments)
    assert exit_.value.code == 2
    assert told in capsys.readouterr().err


def test_missing_jdk_is_one_clear_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """With exit code 69."""
    monkeypatch.setenv("PATH", "")
    assert run.main(["--quick"]) == 69
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.splitlines()[-1] == "Apache Kafka needs a JDK, 17 or newer: no `java` on PATH."


@pytest.mark.parametrize("size", SIZES)
def test_whole_bench_prints_json(size: str, capsys: pytest.CaptureFixture[str]) -> None:
    """From a file: everybody is right, Penstock and the script that is always installed at least."""
    arguments = f"--scenario file_to_parquet --size {size} --records 300 --rounds 1 --output json"
    assert run.main(arguments.split()) == 0
    found = {one["name"]: one for one in json.loads(capsys.readouterr().out)}
    assert {OURS, "script_pyarrow"} <= set(found)
    assert all(one["correct"] for one in found.values())
