"""Parquet directories: one commit per start, positions from the files, tables that know whose they are."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NoReturn

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from penstock.batch import Committed, Counts, Gap, Lost, Range, Unknown
from penstock.commit import file_name, footer
from penstock.commit.parquet_directory import ParquetDirectory
from penstock.commit.position import LastCommit
from penstock.errors import ConfigError, PositionError
from penstock.sink.local import LocalStorage
from penstock.sink.storage import FileLostError, OutageError
from tests.commit.tables import CLUSTER, COLUMNS, P0, SCHEMAS, commit, make_cut, open_tables, put, schema_json, write

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from penstock.commit.effects import Table

FIRST = "agent-events-00000-0123456789abcdef0123456789abcdef-00000000000000000010.parquet"


@pytest.fixture
def tables(tmp_path: Path) -> ParquetDirectory:
    """New tables, with an origin of 10."""
    made = open_tables(tmp_path)
    made.put_origin(P0, 10)
    return made


def failing(monkeypatch: pytest.MonkeyPatch, call: str, code: int) -> None:
    """Let an `os` call fail from now on."""

    def fail(*_: object, **__: object) -> NoReturn:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, call, fail)


# ---- file names


@pytest.mark.parametrize(
    "topic", ["events", "a.b-c_d", "-", "x-00000-" + "a" * 32, "a-00001-" + "0" * 32 + "-" + "1" * 20 + ".parquet"]
)
def test_names_are_read_back_whatever_the_topic_is_called(topic: str) -> None:
    """Topics may look like the rest of the name."""
    partition = P0._replace(topic=topic, number=123_456)
    name = file_name.data_file(partition, 7)
    assert file_name.parse(name) == (topic, 123_456, P0.topic_id, 7)


def test_the_name_is_as_documented() -> None:
    """Operators and other tools rely on it."""
    assert file_name.data_file(P0, 10) == FIRST


@pytest.mark.parametrize("topic", ["_schemas", ".hidden", "_" + "x" * 248])
def test_topics_that_begin_like_hidden_files_are_visible_to_readers(topic: str) -> None:
    """Arrow and Spark skip names that begin with a dot or an underscore."""
    name = file_name.data_file(P0._replace(topic=topic), 0)
    assert name.startswith("!")
    assert file_name.topic_part(file_name.topic_part(topic)) == file_name.topic_part(topic)


def test_the_longest_topics_have_names_of_their_own() -> None:
    """A temporary file's name fits into 255 bytes, and two topics that differ at the end stay apart."""
    one, other = (P0._replace(topic="x" * 248 + end, number=2**31 - 1) for end in "ab")
    name = file_name.data_file(one, 2**63 - 1)
    assert len(f".{name}.{'0' * 32}.tmp") <= 255
    assert name != file_name.data_file(other, 2**63 - 1)
    assert file_name.topic_part(file_name.topic_part(one.topic)) == file_name.topic_part(one.topic)


@pytest.mark.parametrize("name", ["part-0.parquet", FIRST + ".tmp", "." + FIRST[1:-8], "-" + FIRST.split("-", 2)[2]])
def test_other_names_are_not_ours(name: str) -> None:
    """They are never read as commits."""
    assert file_name.parse(name) is None


# ---- footers


def test_footer_tells_the_commit(tables: ParquetDirectory, tmp_path: Path) -> None:
    """All of it, read back from the file."""
    gaps = (Gap(10, 12), Gap(13, 14))
    cut = make_cut(10, 20, rows=2, dead_letters=1, gaps=gaps)
    assert put(tables, "main", cut, cut.range, [12, 15]) == Committed(20)
    found = footer.read(LocalStorage(tmp_path / "events"), FIRST)
    assert (found.table_id, found.job_id, found.role) == (tables.table_id, tables.job_id, "main")
    assert (found.commit_id, found.plan, found.partition) == (cut.commit_id, "plan", P0)
    assert (found.range, found.gaps, found.file_rows) == (Range(10, 20), gaps, 2)
    assert found.counts == Counts(3, 2, 1)


def test_footer_names_are_as_documented(tables: ParquetDirectory) -> None:
    """Other tools read them."""
    cut = make_cut(10, 20, gaps=(Gap(10, 12),))
    main = tables.footer("main", cut, cut.range)
    names = ["version", "table", "job", "role", "commit_id", "plan"]
    names += ["cluster_id", "topic", "topic_id", "partition", "start", "end"]
    counts = ["records", "rows", "dead_letters", "filtered", "tombstones", "gaps"]
    assert list(main) == [f"penstock.{name}" for name in names + counts]
    assert main["penstock.gaps"] == "[[10,12]]"
    assert list(tables.footer("dead_letter", cut, Range(3, 20))) == [f"penstock.{name}" for name in names]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"penstock.plan": None}, r"no penstock\.plan"),
        ({"penstock.start": "x"}, r"penstock\.start in its footer is not a number"),
        ({"penstock.end": "10"}, "ends at offset 10, before it starts"),
        ({"penstock.version": "2"}, "format version 2, this Penstock reads 1"),
        ({"penstock.role": "boss"}, r"penstock\.role"),
        ({"penstock.gaps": "[1]"}, r"penstock\.gaps"),
    ],
)
def test_a_footer_that_makes_no_sense_is_no_position(
    tables: ParquetDirectory, tmp_path: Path, change: dict[str, str | None], words: str
) -> None:
    """The message names the file and the key."""
    cut = make_cut(10, 20)
    values = {
        key: value for key, value in (tables.footer("main", cut, cut.range) | change).items() if value is not None
    }
    path = tmp_path / "events" / FIRST
    pq.write_table(COLUMNS["main"].with_metadata(values).empty_table(), path)
    with pytest.raises(PositionError, match=rf"{FIRST}: .*{words}"):
        tables.refresh(P0)


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1" + b"x" * 500 + b"PAR1", b"x" * 500])
def test_a_damaged_file_is_no_position(tables: ParquetDirectory, tmp_path: Path, content: bytes) -> None:
    """Nor is it skipped."""
    (tmp_path / "events" / FIRST).write_bytes(content)
    with pytest.raises(PositionError, match=rf"{FIRST}: it is not a whole Parquet file"):
        tables.refresh(P0)


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


# ---- chains that are broken


def test_a_hole_names_the_files_on_both_sides(tables: ParquetDirectory, tmp_path: Path) -> None:
    """Rows are missing: no position is better than a wrong one."""
    for start in (10, 20, 30):
        commit(tables, start, start + 10)
    (tmp_path / "events" / file_name.data_file(P0, 20)).unlink()
    with pytest.raises(
        PositionError, match=r"0030\.parquet begins at offset 30, but .*0010\.parquet ends at 20.*missing"
    ):
        open_tables(tmp_path).refresh(P0)


def test_a_chain_that_does_not_begin_at_the_origin_is_no_position(tables: ParquetDirectory, tmp_path: Path) -> None:
    """The oldest files are gone."""
    commit(tables, 10, 20)
    commit(tables, 20, 30)
    (tmp_path / "events" / FIRST).unlink()
    with pytest.raises(PositionError, match=r"begins at offset 20, but the origin is 10"):
        open_tables(tmp_path).refresh(P0)


def test_an_overlap_names_the_files(tables: ParquetDirectory) -> None:
    """Somebody else's file, as no worker makes one."""
    commit(tables, 10, 20)
    commit(tables, 15, 30)
    with pytest.raises(
        PositionError, match=r"0015\.parquet begins at offset 15, but .*0010\.parquet ends at 20.*overlap"
    ):
        tables.refresh(P0)


def test_commits_that_vanish_under_a_running_worker_are_noticed(tables: ParquetDirectory, tmp_path: Path) -> None:
    """Even if all are gone, which looks like a new table."""
    commit(tables, 10, 20)
    tables.refresh(P0)
    (tmp_path / "events" / FIRST).unlink()
    with pytest.raises(PositionError, match=r"0010\.parquet was committed and is gone"):
        tables.refresh(P0)


def test_a_listing_that_missed_a_file_is_read_again(tables: ParquetDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Directories are read while others write: the second of two new files may be seen without the first."""
    for start in (10, 20, 30):
        commit(tables, start, start + 10)
    real = LocalStorage.names
    listings = []

    def names(storage: LocalStorage, prefix: str) -> list[str]:
        found = real(storage, prefix)
        if storage.location.endswith("events") and not prefix.startswith((".", "_")):
            listings.append(prefix)
            if len(listings) == 1:
                found.remove(file_name.data_file(P0, 20))
        return found

    monkeypatch.setattr(LocalStorage, "names", names)
    main = tables.refresh(P0).main
    assert main is not None
    assert main.end == 40
    assert len(listings) == 2


def test_a_look_that_was_given_up_does_not_disturb_the_next(
    tables: ParquetDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A partition that is revoked and comes back may be read by two threads for a while."""
    for start in (10, 20, 30):
        commit(tables, start, start + 10)
    real = footer.read
    again = open_tables(tmp_path)
    inner: list[LastCommit | None] = []

    def read(storage: LocalStorage, name: str) -> footer.Footer:
        if not inner:
            inner.append(None)
            inner.append(again.refresh(P0).main)
        return real(storage, name)

    monkeypatch.setattr(footer, "read", read)
    outer = again.refresh(P0).main
    assert outer is not None
    assert inner == [None, outer]
    assert outer.end == 40


def test_a_file_of_another_table_is_never_a_position(tmp_path: Path) -> None:
    """Copied in by hand, with a fitting name and range."""
    for folder in ("one", "two"):
        tables = open_tables(tmp_path / folder)
        tables.put_origin(P0, 10)
        commit(tables, 10, 20)
    commit(tables, 20, 30)
    name = file_name.data_file(P0, 20)
    shutil.copy(tmp_path / "two" / "events" / name, tmp_path / "one" / "events" / name)
    with pytest.raises(PositionError, match=rf"{name} was written for another table"):
        open_tables(tmp_path / "one").refresh(P0)


def test_a_renamed_file_is_no_position(tables: ParquetDirectory, tmp_path: Path) -> None:
    """Its footer tells what it is."""
    commit(tables, 10, 20)
    (tmp_path / "events" / FIRST).rename(tmp_path / "events" / file_name.data_file(P0, 0))
    with pytest.raises(PositionError, match=rf"was written as {FIRST}"):
        tables.refresh(P0)


def test_a_recreated_topic_is_told(tables: ParquetDirectory) -> None:
    """The table has commits of the topic's former self."""
    commit(tables, 10, 20)
    recreated = P0._replace(topic_id="f" * 32, number=3)
    assert tables.refresh(recreated).other_topic_id == P0.topic_id
    assert tables.refresh(P0._replace(number=3)).other_topic_id is None
    assert tables.refresh(recreated._replace(topic="agent")).other_topic_id is None


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


# ---- owners


def test_a_table_belongs_to_its_pipeline(tmp_path: Path) -> None:
    """Another name is refused, naming the owner; the same name goes on as the same job."""
    first = open_tables(tmp_path)
    again = open_tables(tmp_path)
    assert (again.table_id, again.job_id) == (first.table_id, first.job_id)
    with pytest.raises(
        ConfigError, match=r"events belongs to the pipeline job, this one is other.*--take-over"
    ) as raised:
        open_tables(tmp_path, name="other")
    assert raised.value.exit_code == 78


def test_a_renamed_pipeline_takes_over(tmp_path: Path) -> None:
    """It is still the same job; the former name is refused from then on, and may take over again."""
    first = open_tables(tmp_path)
    first.put_origin(P0, 10)
    commit(first, 10, 20)
    renamed = open_tables(tmp_path, name="other", take_over=True)
    assert (renamed.job_id, renamed.table_id) == (first.job_id, first.table_id)
    main = open_tables(tmp_path, name="other").refresh(P0).main
    assert main is not None
    assert main.end == 20
    with pytest.raises(ConfigError, match="belongs to the pipeline other, this one is job"):
        open_tables(tmp_path)
    assert open_tables(tmp_path, take_over=True).job_id == first.job_id


def test_a_table_stays_with_its_cluster_and_role(tmp_path: Path) -> None:
    """Even with take-over: its records would mean something else."""
    open_tables(tmp_path)
    for take_over in (False, True):
        with pytest.raises(ConfigError, match=r"Kafka cluster cluster-1, the brokers are of cluster-2"):
            open_tables(tmp_path, cluster_id="cluster-2", take_over=take_over)
        with pytest.raises(ConfigError, match=r"dead is a table of role dead_letter .*not main"):
            ParquetDirectory(
                LocalStorage(tmp_path / "dead"),
                LocalStorage(tmp_path / "events"),
                name="job",
                cluster_id=CLUSTER,
                schemas=SCHEMAS,
                take_over=take_over,
            )


def test_dead_letters_of_a_lost_main_table_are_refused(tmp_path: Path) -> None:
    """The main table's volume is not mounted: a new main table would be another job's."""
    first = open_tables(tmp_path)
    (tmp_path / "events").rename(tmp_path / "unmounted")
    with pytest.raises(ConfigError, match=rf"job {first.job_id}.*was the main table removed or unmounted"):
        open_tables(tmp_path)


def test_files_without_their_table_are_refused(tables: ParquetDirectory, tmp_path: Path) -> None:
    """Somebody removed `_penstock`: the origin and the owner are unknown."""
    commit(tables, 10, 20)
    shutil.rmtree(tmp_path / "events" / "_penstock")
    with pytest.raises(ConfigError, match=rf"has data files \({FIRST}\) but no _penstock/table.json"):
        open_tables(tmp_path)
    assert not (tmp_path / "events" / "_penstock").exists()


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("table.json", b"{", "is damaged"),
        ("table.json", b"[]", "is damaged"),
        ("table.json", b'{"version": 2}', "another version"),
        ("table.json", b'{"version": 1}', r'is damaged \("table"\)'),
        ("schema.json", b"\xff", "is damaged"),
        (f"origin/{file_name.partition_part(P0)}.json", b'{"version": 1}', "is damaged"),
    ],
)
def test_damaged_table_files_are_named(
    tables: ParquetDirectory, tmp_path: Path, name: str, content: bytes, words: str
) -> None:
    """And never written anew."""
    commit(tables, 10, 20)
    (tmp_path / "events" / "_penstock" / name).write_bytes(content)
    with pytest.raises(ConfigError, match=rf"{name} .*{words}|{name} {words}"):
        open_tables(tmp_path).refresh(P0)
    assert (tmp_path / "events" / "_penstock" / name).read_bytes() == content


@pytest.mark.parametrize("dead", ["events", "events/dead", ".", "events/../events", "link"])
def test_tables_in_each_other_are_refused(tmp_path: Path, dead: str) -> None:
    """Before anything is made."""
    (tmp_path / "link").symlink_to("events")
    with pytest.raises(ConfigError, match="the same folder or lie in each other"):
        ParquetDirectory(
            LocalStorage(tmp_path / "events"),
            LocalStorage(tmp_path / dead),
            name="job",
            cluster_id=CLUSTER,
            schemas=SCHEMAS,
        )
    assert not (tmp_path / "events").exists()


def test_workers_that_start_at_once_make_one_table(tmp_path: Path) -> None:
    """One job, one table id, one origin."""
    barrier = threading.Barrier(6)

    def start(number: int) -> tuple[str, str, int | None]:
        barrier.wait()
        tables = open_tables(tmp_path)
        tables.put_origin(P0, number)
        return tables.job_id, tables.table_id, tables.refresh(P0).origin

    with ThreadPoolExecutor(6) as threads:
        assert len(set(threads.map(start, range(6)))) == 1


def test_the_start_policy_is_applied_until_all_origins_are_put(tmp_path: Path) -> None:
    """A crash between two origins does not turn `latest` into `earliest` for the others."""
    tables = open_tables(tmp_path)
    tables.put_origin(P0, 5)
    assert open_tables(tmp_path).first_start
    tables.put_origins({P0: 50, P0._replace(number=1): 51})
    again = open_tables(tmp_path)
    assert not again.first_start
    assert [again.refresh(P0._replace(number=number)).origin for number in range(3)] == [5, 51, None]


# ---- columns


def columns_of(tmp_path: Path, role: Table, fields: list[tuple[str, str, bool]]) -> Callable[[], ParquetDirectory]:
    """Open the tables with other columns."""
    changed = json.dumps([{"name": name, "type": kind, "nullable": null} for name, kind, null in fields])
    return lambda: ParquetDirectory(
        LocalStorage(tmp_path / "events"),
        LocalStorage(tmp_path / "dead"),
        name="job",
        cluster_id=CLUSTER,
        schemas={**SCHEMAS, role: changed},
    )


PLACE = [("kafka_topic", "string", False), ("kafka_partition", "int32", False), ("kafka_offset", "int64", False)]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ([("level", "int64", True), *PLACE], "level is string in the table, int64 here"),
        ([("level", "string", False), *PLACE], "level may be null in the table"),
        (PLACE, "level is missing here"),
        ([("level", "string", True), ("cost", "double", True), *PLACE], "cost is not in the table"),
        ([*PLACE, ("level", "string", True)], "the table's order is level, kafka_topic"),
    ],
)
def test_other_columns_are_refused(
    tables: ParquetDirectory, tmp_path: Path, fields: list[tuple[str, str, bool]], words: str
) -> None:
    """From the first commit on; until then the pipeline may change them."""
    opened = columns_of(tmp_path, "main", fields)
    opened()
    commit(tables, 10, 20)
    with pytest.raises(ConfigError, match=words):
        opened()


def test_columns_are_fixed_by_the_first_commit_of_any_worker(tables: ParquetDirectory, tmp_path: Path) -> None:
    """One that has others can't commit any more, and nothing of it is visible."""
    other = columns_of(tmp_path, "main", [("cost", "double", True), *PLACE])()
    commit(tables, 10, 20)
    cut = make_cut(20, 30)
    file = write(other, "main", cut, cut.range, [])
    with pytest.raises(ConfigError, match=r"cost is not in the table; level is missing here"):
        other.put("main", file, cut, cut.range)
    file.discard()
    main = tables.refresh(P0).main
    assert main is not None
    assert main.end == 20


def test_written_columns_read_back(tables: ParquetDirectory, tmp_path: Path) -> None:
    """Readers find all commits as one table."""
    commit(tables, 10, 20, dead=[12])
    commit(tables, 20, 30)
    found = pq.read_table(tmp_path / "events")
    assert schema_json(found.schema.remove_metadata()) == SCHEMAS["main"]
    assert found["kafka_offset"].to_pylist() == [10, 11, *range(13, 30)]
    assert pa.types.is_int64(found["kafka_offset"].type)


def test_an_outage_while_looking_passes_through(tables: ParquetDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    """The caller waits and looks again."""
    commit(tables, 10, 20)
    with monkeypatch.context() as patch:
        failing(patch, "scandir", errno.ESTALE)
        with pytest.raises(OutageError, match="lost its handle"):
            tables.refresh(P0)
    assert tables.refresh(P0).main is not None
