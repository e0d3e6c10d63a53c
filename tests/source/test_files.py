"""Jobs over files, from the pipeline file to the tables: restarts, growth, renames, damage, and every wrong path."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
import zlib
from typing import TYPE_CHECKING

import pyarrow.parquet as pq
import pytest

from penstock.cli.main import invoke
from penstock.source.find_files import file_error
from tests.broker.source_log import Position, data_files
from tests.source.files import large, starts, troubled

if TYPE_CHECKING:
    from tests.source.files import FileJob

_MEASURED = """
import sys
from penstock.cli.main import invoke
code = invoke(sys.argv[1:])
(peak,) = (line for line in open("/proc/self/status") if line.startswith("VmHWM:"))
print(int(peak.split()[1]) * 1024)
sys.exit(code)
"""
"""Its own peak: that of `getrusage` counts the test process it was forked from."""

MEMORY_BYTES = 400 * 2**20


def test_files_of_every_kind_arrive_whole(file_job: FileJob) -> None:
    """Plain and compressed, in folders, more than are read at a time; a second run finds nothing new."""
    (file_job.files / "deep" / "er").mkdir(parents=True)
    for number in range(12):
        file_job.write(
            f"{'deep/er/' if number % 2 else ''}{number}.ndjson{'.gz' if number % 3 else ''}", troubled(300, number)
        )
    file_job.reads("**/*.ndjson*")
    assert file_job.run_to_end()["records"] == 12 * 300
    file_job.assert_exact()
    assert file_job.run_to_end()["records"] == 0
    file_job.assert_exact()


def test_line_ends_and_blank_lines(file_job: FileJob) -> None:
    """CRLF, blank lines and a last line without an end: numbers count records only."""
    path = file_job.files / "a.ndjson"
    path.write_bytes(b'\n{"event_id": "0"}\r\n\r\n\n{"event_id": "1"}\n \n{"event_id": "3"}')
    file_job.reads()
    summary = file_job.run_to_end()
    assert (summary["rows"], summary["dead_letters"]) == (3, 1)
    (found,) = [
        pq.read_table(path).select(["event_id", "kafka_offset"]).to_pydict() for path in data_files(file_job.table)
    ]
    assert found == {"event_id": ["0", "1", "3"], "kafka_offset": [0, 1, 3]}


def test_a_byte_order_mark_is_no_json(file_job: FileJob) -> None:
    """The decoding rules reject it, at the beginning of a file as anywhere; the record is kept as a dead letter."""
    (file_job.files / "a.ndjson").write_bytes(b'\xef\xbb\xbf{"event_id": "0"}\n{"event_id": "1"}\n')
    file_job.reads()
    assert file_job.run_to_end()["rows"] == 1
    (letters,) = [pq.read_table(path).to_pylist() for path in data_files(file_job.dead_letters)]
    assert [(letter["code"], letter["kafka_offset"]) for letter in letters] == [("invalid_json", 0)]


def test_a_grown_file_is_continued(file_job: FileJob) -> None:
    """What was appended is read, what was there is not read again; also a compressed file that got a member."""
    for name in ("a.ndjson", "b.ndjson.gz"):
        file_job.write(name, troubled(100, 1))
    file_job.reads()
    file_job.run_to_end()
    for name in ("a.ndjson", "b.ndjson.gz"):
        file_job.write(name, troubled(50, 2), append=True)
    assert file_job.run_to_end()["records"] == 100
    file_job.assert_exact()
    assert starts(file_job.table) == [
        (str(file_job.files / name), at) for name in ("a.ndjson", "b.ndjson.gz") for at in (0, 100)
    ]


def test_rotation_reads_nothing_twice(file_job: FileJob) -> None:
    """The file gets another name and a new one takes its place: the old one is continued under its first name."""
    path = file_job.write("a.ndjson", troubled(100, 1))
    file_job.reads()
    file_job.run_to_end()
    path.rename(path.with_suffix(".1"))
    with path.with_suffix(".1").open("ab") as rotated:
        rotated.write(b'{"event_id": "late"}\n')
    path.write_bytes(b'{"event_id": "new"}\n')
    assert file_job.run_to_end()["records"] == 2
    assert starts(file_job.table) == [(str(path), 0), (str(path), 0), (str(path), 100)]
    assert invoke(["verify", str(file_job.table), "--dead-letters", str(file_job.dead_letters)]) == 0


def test_a_shrunk_file_stops_the_job(file_job: FileJob) -> None:
    """Fewer records than are in the table: 76, with both numbers; nothing is read again."""
    path = file_job.write("a.ndjson", troubled(100, 1))
    file_job.reads()
    file_job.run_to_end()
    os.truncate(path, len(b"".join(path.read_bytes().splitlines(keepends=True)[:40])))
    daemon = file_job.start()
    assert daemon.wait_exit() == 76
    assert f"{path}: the table has 100 records of it, and it has only 40 now" in daemon.stderr
    file_job.assert_exact()


def test_a_copy_in_its_place_stops_the_job(file_job: FileJob) -> None:
    """Its records may be in the table already: 76."""
    path = file_job.write("a.ndjson", troubled(100, 1))
    file_job.reads()
    file_job.run_to_end()
    (file_job.directory / "copy").write_bytes(path.read_bytes())
    (file_job.directory / "copy").replace(path)
    daemon = file_job.start()
    assert daemon.wait_exit() == 76
    assert "a copy took its place" in daemon.stderr
    file_job.assert_exact()


def test_a_cut_off_file_gives_what_it_has(file_job: FileJob) -> None:
    """Every whole record before the damage is committed, the file named; once it is whole the rest follows."""
    path = file_job.write("a.ndjson.gz", large(4000, 1))
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    good = zlib.decompressobj(wbits=31).decompress(path.read_bytes()).count(b"\n")
    file_job.reads()
    daemon = file_job.start()
    assert daemon.wait_exit() == 69
    assert f"{path}: it is cut off" in daemon.stderr
    assert f"The first {good} records are good" in daemon.stderr
    file_job.assert_exact(file_job.log.where(lambda position: position.offset < good))
    assert file_job.start().wait_exit() == 69
    path.write_bytes(whole)
    assert file_job.run_to_end()["records"] == 4000 - good
    file_job.assert_exact()


def test_damage_in_one_file_leaves_the_others(file_job: FileJob) -> None:
    """With `on_fault = "continue"` they are read to their ends, and the exit code still tells."""
    for number in range(12):
        file_job.write(f"{number:02}.ndjson", troubled(50, number))
        (file_job.files / f"{number:02}.gz").write_bytes(b"no gzip at all %d" % number)
    file_job.reads(pipeline={"on_fault": "continue"})
    daemon = file_job.start()
    assert daemon.wait_exit() == 69
    assert "00.gz: the compressed data are damaged" in daemon.stderr
    file_job.assert_exact()


def test_a_huge_line_is_a_bounded_dead_letter(file_job: FileJob) -> None:
    """Two gibibytes without a line end, between two records: memory stays small, the next record is read."""
    zeros = gzip.compress(b"x" * 2**24, 1)
    content = gzip.compress(b'{"event_id": "0"}\n') + zeros * 128 + gzip.compress(b'\n{"event_id": "2"}\n')
    (file_job.files / "a.ndjson.gz").write_bytes(content)
    pipeline = file_job.reads()
    run = [sys.executable, "-c", _MEASURED, "run", str(pipeline)]
    done = subprocess.run(run, capture_output=True, text=True, check=True, timeout=150)
    assert int(done.stdout.splitlines()[-1]) < MEMORY_BYTES
    (letters,) = [pq.read_table(path).to_pylist() for path in data_files(file_job.dead_letters)]
    assert [(letter["code"], letter["kafka_offset"]) for letter in letters] == [("too_large", 1)]
    assert 2000 < len(letters[0]["value"]) < 4 * 2**20
    rows = [row for path in data_files(file_job.table) for row in pq.read_table(path).to_pylist()]
    assert [(row["event_id"], row["kafka_offset"]) for row in rows] == [("0", 0), ("2", 2)]


def test_a_stop_commits_and_a_restart_continues(file_job: FileJob) -> None:
    """After so many records, in the middle of a file."""
    file_job.write("a.ndjson", large(6000, 1))
    file_job.reads()
    daemon = file_job.start("--max-records", "2500", "--output", "json")
    assert daemon.wait_exit() == 0
    assert daemon.summary()["records"] == 2500
    assert file_job.run_to_end()["records"] == 3500
    file_job.assert_exact()


def test_dry_run_prints_and_writes_nothing(file_job: FileJob, capsys: pytest.CaptureFixture[str]) -> None:
    """To the end by itself."""
    for number in range(10):
        file_job.write(f"{number}.ndjson", troubled(30, number))
    pipeline = file_job.reads()
    assert invoke(["run", str(pipeline), "--dry-run"]) == 0
    rows = sum(record.verdict == "row" for record in file_job.log.entries.values())
    assert capsys.readouterr().out.count('"event_id"') == rows
    assert not file_job.table.exists()


@pytest.mark.parametrize(
    ("path", "code", "message"),
    [
        ("none.ndjson", 69, "none.ndjson does not exist. Check the path"),
        ("*.none", 69, "no file matches"),
        ("folder", 78, 'folder is a folder. Name its files, like "'),
        ("pipe", 78, 'pipe is not a regular file. To read from a pipe, write "-"'),
        ("looped", 69, "looped can't be read"),
    ],
)
def test_a_wrong_path_has_one_message(
    file_job: FileJob, capsys: pytest.CaptureFixture[str], path: str, code: int, message: str
) -> None:
    """What is there, and what to do; nothing is made."""
    (file_job.files / "folder").mkdir()
    os.mkfifo(file_job.files / "pipe")
    (file_job.files / "looped").symlink_to("looped")
    pipeline = file_job.reads(path)
    assert invoke(["run", str(pipeline)]) == code
    (error,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error")]
    assert message in error
    assert not file_job.table.exists()


def test_a_file_without_permission_is_named() -> None:
    """As told by the system; tests may run as root, who can read everything."""
    error = file_error("/x.ndjson", PermissionError(13, "Permission denied"))
    assert (error.exit_code, str(error)) == (
        69,
        "source.path: /x.ndjson can't be read: permission denied. Let this user read it.",
    )


@pytest.mark.parametrize(("lines", "code"), [(20, 0), (5000, 65)])
def test_a_binary_file_gets_a_hint(file_job: FileJob, lines: int, code: int) -> None:
    """Only because nothing in it can be decoded: below the limit as a warning, above it with the error."""
    (file_job.files / "a.bin").write_bytes(b"\0\x01\xfe\n" * lines)
    file_job.reads()
    daemon = file_job.start()
    assert daemon.wait_exit() == code
    assert "does not look like NDJSON" in daemon.stderr


def test_one_good_record_and_there_is_no_hint(file_job: FileJob) -> None:
    """Odd bytes in a file that decodes are dead letters like any."""
    (file_job.files / "a.ndjson").write_bytes(b'\0\x01\xfe\n{"event_id": "0"}\n')
    file_job.reads()
    assert file_job.run_to_end()["rows"] == 1
    assert "NDJSON" not in file_job.report()


def test_a_compressed_file_without_its_suffix_gets_a_hint(file_job: FileJob) -> None:
    """The name decides what is decompressed."""
    (file_job.files / "a.ndjson").write_bytes(gzip.compress(b'{"event_id": "0"}\n', mtime=0))
    file_job.reads()
    daemon = file_job.start()
    assert daemon.wait_exit() == 0
    assert "It looks compressed" in daemon.stderr


def test_files_and_topics_do_not_mix(file_job: FileJob, capsys: pytest.CaptureFixture[str]) -> None:
    """A table of one kind of source refuses the other."""
    file_job.write("a.ndjson", troubled(10, 1))
    pipeline = file_job.reads()
    file_job.run_to_end()
    table = file_job.table / "_penstock" / "table.json"
    table.write_text(table.read_text().replace('"files"', '"a-kafka-cluster"'))
    assert invoke(["run", str(pipeline)]) == 78
    assert "another kind of source" in capsys.readouterr().err


def test_positions_are_paths(file_job: FileJob) -> None:
    """`kafka_topic` is where the file was first found, `kafka_offset` the record's number, the time is null."""
    path = file_job.write("a.ndjson", large(2, 1))
    file_job.reads()
    file_job.run_to_end()
    (rows,) = [pq.read_table(found).to_pylist() for found in data_files(file_job.table)]
    places = [
        (Position(row["kafka_topic"], row["kafka_partition"], row["kafka_offset"]), row["kafka_timestamp"])
        for row in rows
    ]
    assert places == [(Position(str(path), 0, number), None) for number in range(2)]
