"""`penstock run -`: records through a real pipe."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from typing import IO, TYPE_CHECKING

import pyarrow.parquet as pq
import pytest

from penstock.source import file_reader
from penstock.source.lines import records_of
from tests.broker.process import wait_until
from tests.broker.source_log import data_files

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RUN = [sys.executable, "-m", "penstock.cli.main", "run", "-", "--set", "decode.columns.n=int64"]


@contextlib.contextmanager
def penstock(directory: Path, *flags: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process whose stdin is a pipe; killed in the end if it is still there."""
    command = [
        *RUN,
        "--set",
        "sink.path=out",
        "--output",
        "json",
        *(part for flag in flags for part in ("--set", flag)),
    ]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, cwd=directory) as process:
        try:
            yield process
        finally:
            process.kill()


def pipe(process: subprocess.Popen[bytes]) -> IO[bytes]:
    """Where to write."""
    assert process.stdin is not None
    return process.stdin


def rows(directory: Path) -> list[int]:
    """What a reader sees, in order."""
    return sorted(n for path in data_files(directory / "out") for n in pq.read_table(path)["n"].to_pylist())


def test_records_through_a_pipe_arrive(tmp_path: Path) -> None:
    """All of them, with dead letters beside; the summary adds up, and standard input is warned of once."""
    lines = b"".join(b'{"n": %d}\n' % number for number in range(200_000)) + b"broken"
    with penstock(tmp_path) as process:
        out, err = process.communicate(lines, timeout=60)
    assert process.returncode == 0, err
    summary = json.loads(out.splitlines()[-1])
    assert (summary["records"], summary["rows"], summary["dead_letters"]) == (200_001, 200_000, 1)
    assert rows(tmp_path) == list(range(200_000))
    assert sum(pq.read_metadata(path).num_rows for path in data_files(tmp_path / "out-dead")) == 1
    assert err.count(b"a restart appends") == 1


def test_a_second_run_appends(tmp_path: Path) -> None:
    """Nobody can tell whether records of a pipe were seen before."""
    for _ in range(2):
        with penstock(tmp_path) as process:
            _, err = process.communicate(b'{"n": 1}\n', timeout=60)
        assert process.returncode == 0, err
    assert rows(tmp_path) == [1, 1]


def test_a_slow_writer_sees_its_records_committed(tmp_path: Path) -> None:
    """Files are cut by age while the pipe is open and silent; a signal then ends it in order."""
    with penstock(tmp_path, "sink.cut.age=100ms") as process:
        pipe(process).write(b'{"n": 1}\n{"n": 2}\n{"n":')
        pipe(process).flush()
        wait_until(lambda: (tmp_path / "out").exists() and rows(tmp_path) == [1, 2], seconds=60, what="two rows")
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    assert rows(tmp_path) == [1, 2]


def test_nothing_on_stdin_is_no_error(tmp_path: Path) -> None:
    """An empty pipe is an empty source."""
    with penstock(tmp_path) as process:
        _, err = process.communicate(b"", timeout=60)
    assert process.returncode == 0, err


def test_a_sample_of_stdin_is_read_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was looked at first comes first, once."""
    descriptor, writer = os.pipe()
    monkeypatch.setattr(file_reader, "_STDIN", descriptor)
    os.write(writer, b'{"n": 1}\n{"n": 2}\n{"n":')
    os.write(writer, b" 3}")
    os.close(writer)
    with contextlib.closing(file_reader.StdinReader(1000)) as reader:
        assert reader.sample(3, 1 << 20) == [b'{"n": 1}', b'{"n": 2}', b'{"n": 3}']
        found = reader.read(), reader.read()
        assert [records_of(block.records.data) for block in found] == [[b'{"n": 1}', b'{"n": 2}'], [b'{"n": 3}']]
        assert [block.last for block in found] == [False, True]
    os.close(descriptor)


def test_a_sample_of_stdin_is_bounded_in_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many records are wanted, no more is read ahead."""
    descriptor, writer = os.pipe()
    monkeypatch.setattr(file_reader, "_STDIN", descriptor)
    monkeypatch.setattr(file_reader, "BLOCK_BYTES", 4)
    os.write(writer, b"[1]\n" * 100)
    with contextlib.closing(file_reader.StdinReader(1000)) as reader:
        assert reader.sample(100, 10) == [b"[1]"] * 4
        assert records_of(reader.read().records.data) == [b"[1]"]
    os.close(writer)
    os.close(descriptor)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--set", "decode.columns.n=int64"], "sink"),
        (["--set", "sink.path=out", "--set", "decode.columns.n=int"], "--set: decode.columns.n"),
    ],
)
def test_what_is_missing_is_said_without_a_file(tmp_path: Path, arguments: list[str], message: str) -> None:
    """No line numbers of a file that is not there."""
    command = [sys.executable, "-m", "penstock.cli.main", "run", "-", *arguments]
    done = subprocess.run(command, input=b"", capture_output=True, cwd=tmp_path, check=False, timeout=60)
    assert done.returncode == 78
    assert message in done.stderr.decode()
    assert ":1:1" not in done.stderr.decode()


def test_a_sink_path_is_enough(tmp_path: Path) -> None:
    """Columns come from the records themselves, all of which arrive; nothing in it is nothing done, and said."""
    command = [sys.executable, "-m", "penstock.cli.main", "run", "-", "--set", "sink.path=out", "--output", "json"]

    def run(lines: bytes) -> tuple[dict[str, int], str]:
        done = subprocess.run(command, input=lines, capture_output=True, cwd=tmp_path, check=True, timeout=60)
        return json.loads(done.stdout), done.stderr.decode()

    summary, log = run(b"")
    assert summary["records"] == 0
    assert "There is no record to infer columns from" in log
    summary, _ = run(b'{"n": 1, "a": {"b": "x"}}\n{"n": 2.5}\nbroken\n')
    assert (summary["rows"], summary["dead_letters"]) == (2, 1)
    (path,) = data_files(tmp_path / "out")
    table = pq.read_table(path, columns=["n", "a_b"])
    assert table.to_pylist() == [{"n": 1.0, "a_b": "x"}, {"n": 2.5, "a_b": None}]
