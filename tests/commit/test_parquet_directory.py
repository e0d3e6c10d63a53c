"""Parquet directories: one commit per start, positions from the files, verdicts."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NoReturn

import pyarrow.parquet as pq
import pytest

from penstock.batch import Committed, Lost, Range, Unknown
from penstock.commit.position import LastCommit
from penstock.errors import PositionError
from penstock.sink.storage import FileLostError, OutageError
from tests.commit.tables import FIRST, P0, commit, make_cut, open_tables, put, write

if TYPE_CHECKING:
    from pathlib import Path

    from penstock.commit.parquet_directory import ParquetDirectory


def failing(monkeypatch: pytest.MonkeyPatch, call: str, code: int) -> None:
    """Let an `os` call fail from now on."""

    def fail(*_: object, **__: object) -> NoReturn:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, call, fail)


# ---- commits


def test_a_new_table_has_no_position(tables: ParquetDirectory) -> None:
    """But an origin, once it is put; the first one rules."""
    tables.put_origin(P0, 99)
    state = tables.refresh(P0)
    assert (state.origin, state.main, state.secondary, state.other_topic_id) == (10, None, None, None)
    other = tables.refresh(P0._replace(number=1))
    assert other.origin is None


def test_the_position_follows_the_commits(tables: ParquetDirectory, tmp_path: Path) -> None:
    """In both tables, each by its own chain, also for a worker that comes later."""
    commit(tables, 10, 20)
    commit(tables, 20, 30, dead=[25], dead_from=10)
    assert tables.refresh(P0).main == tables.refresh(P0).main
    last = commit(tables, 30, 40, plan="later")
    dead = put(tables, "dead_letter", make_cut(40, 50), Range(30, 50), [45])
    assert dead == Committed(50)
    for found in (tables.refresh(P0), open_tables(tmp_path).refresh(P0)):
        assert found.main == LastCommit(last.commit_id, Range(30, 40), "later")
        assert found.secondary is not None
        assert found.secondary.range == Range(30, 50)


def test_partitions_do_not_mix(tables: ParquetDirectory) -> None:
    """Nor do topics whose names begin alike."""
    others = [P0._replace(number=1), P0._replace(topic="agent"), P0._replace(topic="agent-events-00000")]
    commit(tables, 10, 20)
    for number, partition in enumerate(others):
        tables.put_origin(partition, 0)
        commit(tables, 0, number + 1, partition=partition)
    for number, partition in enumerate(others):
        main = tables.refresh(partition).main
        assert main is not None
        assert main.end == number + 1


def test_the_second_commit_of_a_start_is_lost(tables: ParquetDirectory) -> None:
    """And nothing of it is visible."""
    first = commit(tables, 10, 20)
    cut = make_cut(10, 15)
    assert put(tables, "main", cut, cut.range, []) == Lost()
    assert tables.refresh(P0).main == LastCommit(first.commit_id, first.range, "plan")


def test_of_many_workers_one_wins_each_start(tmp_path: Path) -> None:
    """And the winners' ranges are one chain."""
    workers = [open_tables(tmp_path) for _ in range(6)]
    workers[0].put_origin(P0, 0)
    barrier = threading.Barrier(6)

    def work(number: int) -> int:
        won = 0
        for _ in range(15):
            main = workers[number].refresh(P0).main
            start = 0 if main is None else main.end
            cut = make_cut(start, start + 1 + number)
            barrier.wait()
            won += put(workers[number], "main", cut, cut.range, []) == Committed(cut.range.end)
            barrier.wait()
        return won

    with ThreadPoolExecutor(6) as threads:
        assert sum(threads.map(work, range(6))) == 15
    assert len({worker.refresh(P0).main for worker in workers}) == 1
    assert len({worker.table_id for worker in workers}) == 1


def test_a_put_that_got_no_answer_is_unknown(tables: ParquetDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether it happened or not: the state tells, and the file can be put again."""
    for call in ("link", "fsync"):
        main = tables.refresh(P0).main
        start = 10 if main is None else main.end
        cut = make_cut(start, start + 10)
        file = write(tables, "main", cut, cut.range, [])
        with monkeypatch.context() as patch:
            failing(patch, call, errno.EIO)
            answer = tables.put("main", file, cut, cut.range)
        assert isinstance(answer, Unknown)
        assert "I/O error" in answer.reason
        visible = tables.refresh(P0).main != main
        assert tables.put("main", file, cut, cut.range) == (Lost() if visible else Committed(cut.range.end))
        file.discard()
        assert tables.refresh(P0).main == LastCommit(cut.commit_id, cut.range, "plan")


def test_a_put_of_a_removed_file_can_never_succeed(tables: ParquetDirectory, tmp_path: Path) -> None:
    """It is an outage of its own kind: the file must be written again."""
    cut = make_cut(10, 20)
    file = write(tables, "main", cut, cut.range, [])
    (tmp_path / "events" / f".{FIRST}.{cut.commit_id}.tmp").unlink()
    with pytest.raises(FileLostError):
        tables.put("main", file, cut, cut.range)


def test_unfinished_files_of_dead_workers_are_removed(tables: ParquetDirectory, tmp_path: Path) -> None:
    """Of the partition that is looked at, in both tables; files in work stay."""
    cut = make_cut(10, 20)
    file = write(tables, "main", cut, cut.range, [])
    other = FIRST.replace("-00000-", "-00001-", 1)
    for folder in ("events", "dead"):
        (tmp_path / folder / f".{FIRST}.dead.tmp").touch()
        (tmp_path / folder / f".{other}.dead.tmp").touch()
    tables.refresh(P0)
    left = sorted(path.name for folder in ("events", "dead") for path in (tmp_path / folder).glob(".*"))
    assert left == sorted([f".{FIRST}.{cut.commit_id}.tmp", f".{other}.dead.tmp", f".{other}.dead.tmp"])
    file.discard()


CRASHER = """
import os, signal, sys
from pathlib import Path
from tests.commit.tables import *
path, call, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
passes = 0
def die(real):
    def wrapped(*arguments, **options):
        global passes
        passes += 1
        if passes == count:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*arguments, **options)
    return wrapped
setattr(os, call, die(getattr(os, call)))
tables = open_tables(path)
tables.put_origin(P0, 10)
state = tables.refresh(P0)
start = state.main.end if state.main else 10
dead_from = state.secondary.end if state.secondary else 10
commit(tables, start, start + 10, dead=[start + 3] if dead_from <= start + 3 else [], dead_from=dead_from)
"""


@pytest.mark.parametrize("call", ["link", "fsync", "write", "unlink", "mkdir"])
def test_a_worker_killed_at_any_step_is_followed_by_one_that_goes_on(tmp_path: Path, call: str) -> None:
    """From the first making of the tables to the last step of a commit; the chain is whole after each."""
    commits = 0
    for count in range(1, 60):
        died = subprocess.run([sys.executable, "-c", CRASHER, str(tmp_path), call, str(count)], check=False)
        assert died.returncode in (0, -signal.SIGKILL)
        tables = open_tables(tmp_path)
        tables.put_origin(P0, 10)
        main = tables.refresh(P0).main
        commits = 0 if main is None else (main.end - 10) // 10
        if died.returncode == 0:
            break
    else:
        pytest.fail("it never came to an end")
    assert commits >= 1
    names = sorted(path.name for path in (tmp_path / "events").glob("*.parquet"))
    rows = [offset for name in names for offset in _offsets(tmp_path / "events" / name)]
    assert len(names) == commits
    assert len(rows) == len(set(rows))
    assert not list((tmp_path / "events").glob(".*"))


def _offsets(path: Path) -> list[int]:
    with path.open("rb") as file:
        offsets: list[int] = pq.ParquetFile(file).read(columns=["kafka_offset"])["kafka_offset"].to_pylist()
    return offsets


def test_an_outage_while_looking_passes_through(tables: ParquetDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    """The caller waits and looks again."""
    commit(tables, 10, 20)
    with monkeypatch.context() as patch:
        failing(patch, "scandir", errno.ESTALE)
        with pytest.raises(OutageError, match="lost its handle"):
            tables.refresh(P0)
    assert tables.refresh(P0).main is not None


# ---- verdicts


def test_verdicts_are_the_dead_letters_of_the_range(tables: ParquetDirectory) -> None:
    """Also those that a later file holds, marked as replayed, and none of other partitions."""
    other = P0._replace(number=1)
    cut = make_cut(10, 20)
    put(tables, "dead_letter", cut, Range(10, 20), [11, 15, 19])
    put(tables, "dead_letter", make_cut(20, 30), Range(20, 30), [13, 22, 29], replayed=[13])
    put(tables, "dead_letter", make_cut(20, 30, partition=other), Range(10, 30), [12, 16])
    assert tables.load_verdicts(P0, Range(10, 30)) == [11, 13, 15, 19, 22, 29]
    assert tables.load_verdicts(P0, Range(13, 22)) == [13, 15, 19]
    assert tables.load_verdicts(P0, Range(25, 30)) == [29]
    assert tables.load_verdicts(P0._replace(number=2), Range(0, 30)) == []


def test_a_damaged_dead_letter_file_gives_no_verdicts(tables: ParquetDirectory, tmp_path: Path) -> None:
    """Without them a record could become a row as well."""
    put(tables, "dead_letter", make_cut(10, 20), Range(10, 20), [11])
    (tmp_path / "dead" / FIRST).write_bytes(b"x" * 100)
    with pytest.raises(PositionError, match=rf"dead/{FIRST}: it is not a whole Parquet file"):
        tables.load_verdicts(P0, Range(10, 20))
