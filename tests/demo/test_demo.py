from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from pathlib import Path

import pyarrow.dataset as ds
import pytest
from rich.console import Console

from penstock.config import load
from penstock.demo import demo
from penstock.demo.demo import DemoOptions, DemoResult, run_demo
from penstock.demo.display import Progress, ProgressView, show_result
from penstock.demo.events import events
from penstock.errors import InternalError, UnavailableError, UsageError
from tests.broker.process import spawn, wait_until

RECORDS = 30_000


@pytest.fixture(scope="module", autouse=True)
def others() -> set[int]:
    """Child processes that were there before: a Kafka of other tests."""
    return _children()


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> DemoResult:
    """One whole demo, shared by the tests that look at its result. The user's own settings have no part in it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PENSTOCK__SINK__PATH", "/nowhere")
        return run_demo(DemoOptions(records=RECORDS, path=tmp_path_factory.mktemp("demo"), seed=3))


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory, empty."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _sent() -> list[tuple[str, bytes | None]]:
    options = {"malformed": demo._MALFORMED, "drifting": demo._DRIFTING, "tombstones": demo._TOMBSTONES}
    return [(event.verdict, event.value) for event in events("340", RECORDS, 3, **options)]


def _files(path: str) -> list[str]:
    return sorted(str(file) for file in Path(path).glob("[!._]*.parquet"))


def _children() -> set[int]:
    task = Path(f"/proc/self/task/{os.getpid()}/children")
    return set(map(int, task.read_text().split()))


def test_every_event_is_in_exactly_one_place(finished: DemoResult) -> None:
    """The sums agree with each other and with the generator."""
    verdicts = [verdict for verdict, _ in _sent()]
    assert finished.produced == RECORDS
    assert finished.rows == verdicts.count("row")
    assert finished.dead_letters == verdicts.count("dead_letter") > 0
    assert finished.tombstones == verdicts.count("tombstone") > 0
    assert finished.filtered == 0
    assert finished.seconds > 0


def test_the_rows_are_the_events(finished: DemoResult) -> None:
    """By id, each once, and no two at one place of the topic."""
    table = ds.dataset(_files(finished.path)).to_table(["event_id", "kafka_partition", "kafka_offset"])
    ids = table["event_id"].to_pylist()
    rows = [value for verdict, value in _sent() if verdict == "row" and value]
    assert len(set(ids)) == len(ids) == len(rows)
    assert all(event_id.encode() in value for event_id, value in zip(sorted(ids), _by_id(rows), strict=True))
    places = zip(table["kafka_partition"].to_pylist(), table["kafka_offset"].to_pylist(), strict=True)
    assert len(set(places)) == len(ids)


def _by_id(values: list[bytes]) -> list[bytes]:
    def event_id(value: bytes) -> bytes:
        after = value.index(b"event_id") + len(b'event_id":')
        return value[after : after + 40].strip(b' "')[:32]

    return sorted(values, key=event_id)


def test_the_dead_letters_are_what_was_malformed(finished: DemoResult) -> None:
    """As they were sent, byte for byte."""
    table = ds.dataset(_files(finished.dead_letter_path)).to_table(["value", "code"])
    malformed = [value for verdict, value in _sent() if verdict == "dead_letter"]
    assert sorted(table["value"].to_pylist()) == sorted(value or b"" for value in malformed)
    assert all(table["code"].to_pylist())


def test_it_leaves_a_pipeline_file_that_can_be_used_again(finished: DemoResult) -> None:
    """Valid, and of these tables."""
    config = load(Path(finished.pipeline_file), environment={})
    assert (str(config.sink.path), str(config.dead_letter.path)) == (finished.path, finished.dead_letter_path)


def test_nothing_it_started_is_left(finished: DemoResult, others: set[int]) -> None:
    """No child process; what the broker held is tested with the broker."""
    assert finished.produced
    assert _children() <= others


def test_the_result_shows_rows_dead_letters_and_commands_but_no_payload(finished: DemoResult) -> None:
    """For people: what is there and what to try next."""
    console = Console(file=io.StringIO(), width=160)
    show_result(finished, console)
    assert isinstance(console.file, io.StringIO)
    shown = console.file.getvalue()
    assert f"penstock verify {finished.path}" in shown
    assert f"{finished.rows:,}" in shown
    assert any(code in shown for code in ("invalid_json", "invalid_utf8", "empty_value", "not_an_object"))
    assert "@example.com" not in shown


def test_a_directory_in_use_is_refused_and_untouched(work: Path) -> None:
    """Nobody's files are mixed with a demo's."""
    (work / "mine").write_text("keep")
    with pytest.raises(UsageError, match="not empty"):
        run_demo(DemoOptions(records=10, path=work))
    assert [path.name for path in work.iterdir()] == ["mine"]


def test_the_default_directory_is_numbered_when_taken(work: Path) -> None:
    """A second demo just works."""
    for expected in ("demo-events", "demo-events-2", "demo-events-3"):
        assert demo._new_directory(None) == Path(expected)
    assert (work / "demo-events-3").is_dir()


def test_a_path_that_cannot_be_a_directory_is_refused(work: Path) -> None:
    """With its name and what to do."""
    (work / "file").touch()
    with pytest.raises(UnavailableError, match="Choose another directory"):
        run_demo(DemoOptions(records=10, path=work / "file"))


def test_a_pipeline_that_ends_by_itself_fails_the_demo(
    work: Path, others: set[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With its exit code and the end of its log."""
    monkeypatch.setattr(demo, "pipeline_toml", lambda *_, **__: "[pipeline]\nnmae = 1")
    with pytest.raises(InternalError, match=r"(?s)exit code 78.*pipeline\.toml:2:.*nmae") as failure:
        run_demo(DemoOptions(records=1000, path=work / "demo"))
    assert "pipeline.log" in str(failure.value)
    assert _children() <= others


def test_ctrl_c_ends_everything_in_order(work: Path) -> None:
    """The pipeline commits and exits before we do; exit code 130."""
    process = spawn(
        [sys.executable, "-m", "penstock.cli.main", "demo", "--records", "100000000", "--path", "demo"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=work,
    )
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    try:
        wait_until(lambda: bool(list(work.glob("demo/events/*.parquet"))), seconds=60, what="a file is committed")
        (pipeline,) = map(int, children.read_text().split())
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 130
    assert b"Traceback" not in errors
    assert not Path(f"/proc/{pipeline}").exists()
    assert not list(work.glob("demo/events/.*.tmp"))


def test_progress_is_plain_lines_where_there_is_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """One line at a time, at most every two seconds."""
    clock = [100.0]
    monkeypatch.setattr("penstock.demo.display.time.monotonic", lambda: clock[0])
    console = Console(file=io.StringIO(), width=80, force_terminal=False)
    with ProgressView(console) as view:
        for clock[0] in (100.5, 102.0, 102.5, 104.5):
            view.update(Progress(2.0, 1000, 500, 170_000, 400, 3, 2, 5_000))
    assert isinstance(console.file, io.StringIO)
    lines = console.file.getvalue().splitlines()
    assert len(lines) == 2
    assert "400 of 1,000 events" in lines[0]
    assert "200 events/s" in lines[0]
    assert "lag 100 events" in lines[0]


def test_progress_is_live_on_a_terminal() -> None:
    """And gone afterwards."""
    console = Console(file=io.StringIO(), width=80, force_terminal=True)
    with ProgressView(console) as view:
        view.update(Progress(2.0, 1000, 500, 170_000, 400, 3, 2, 5_000))
    assert isinstance(console.file, io.StringIO)
    assert "400 of 1,000 events" in console.file.getvalue()
