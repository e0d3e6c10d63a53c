"""Each finding, made by damaging good tables; good tables have none."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from penstock.batch import Counts, Gap, Range
from penstock.commit import file_name
from penstock.errors import UnavailableError
from penstock.verify.verify import verify
from tests.commit.tables import COLUMNS, P0, commit, make_cut, open_tables, put

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any

    from penstock.commit.effects import Table
    from penstock.commit.parquet_directory import ParquetDirectory
    from penstock.verify.report import VerifyReport

P1 = P0._replace(number=1)


@pytest.fixture
def tables(tmp_path: Path) -> ParquetDirectory:
    """Three commits of one partition, the middle one with dead letters, and one of another."""
    made = open_tables(tmp_path)
    made.put_origins({P0: 10, P1: 0})
    commit(made, 10, 20)
    commit(made, 20, 30, dead=[22, 25], dead_from=10)
    commit(made, 30, 40, dead=[39])
    commit(made, 0, 5, rows=[1, 3], partition=P1)
    return made


def check(path: Path) -> VerifyReport:
    """Both tables below `path`."""
    return verify(path / "events", path / "dead")


def finding(path: Path, *words: str) -> str:
    """The one finding, which has all these words."""
    found = check(path).findings
    assert len(found) == 1, found
    for word in words:
        assert word in found[0]
    return found[0]


def name(start: int, partition: Any = P0) -> str:
    """File name of a commit."""
    return file_name.data_file(partition, start)


def rewrite(
    path: Path,
    *,
    rows: Callable[[Any], Any] = lambda table: table,
    footer: dict[str, str] | None = None,
) -> None:
    """Change rows or footer of a file, as a faulty writer might have."""
    with path.open("rb") as file:
        table = pq.ParquetFile(file).read()
    metadata = dict(table.schema.metadata)
    table = rows(table)
    metadata |= {f"penstock.{key}".encode(): value.encode() for key, value in (footer or {}).items()}
    pq.write_table(table.replace_schema_metadata(metadata), path)


def with_offsets(*offsets: int) -> Callable[[Any], Any]:
    """Replace the offsets of all rows."""

    def change(table: Any) -> Any:
        place = table.schema.get_field_index("kafka_offset")
        field = table.schema.field(place)
        return table.set_column(place, field, pa.array(offsets, field.type))

    return change


# ---- good tables


def test_good_tables_have_no_findings(tables: ParquetDirectory, tmp_path: Path) -> None:
    """The totals are the main table's."""
    assert tables
    report = check(tmp_path)
    assert (report.findings, report.notes) == ([], [])
    assert (report.partitions, report.files) == (2, 4)
    assert (report.records, report.rows, report.dead_letters) == (32, 29, 3)


def test_the_report_is_json(tables: ParquetDirectory, tmp_path: Path) -> None:
    """As the command prints it."""
    assert tables
    report = json.loads(json.dumps(asdict(check(tmp_path))))
    assert list(report) == [
        "partitions",
        "files",
        "records",
        "rows",
        "dead_letters",
        "filtered",
        "tombstones",
        "findings",
        "notes",
    ]


def test_the_command_exits_with_what_was_found(tables: ParquetDirectory, tmp_path: Path) -> None:
    """0 for good tables, 1 with a finding, 69 without a table."""
    assert tables
    for damage, code in ((None, 0), ("events", 1), ("absent", 69)):
        if damage == "events":
            (tmp_path / "events" / name(20)).unlink()
        location = tmp_path / "absent" if damage == "absent" else tmp_path / "events"
        command = [sys.executable, "-m", "penstock.cli.main", "verify", str(location), "--output", "json"]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
        assert ran.returncode == code, ran.stderr
        assert json.loads(ran.stdout)


def test_an_empty_table_is_good(tmp_path: Path) -> None:
    """Made, nothing committed."""
    open_tables(tmp_path).put_origins({P0: 10})
    assert check(tmp_path).findings == []


def test_recorded_gaps_empty_ranges_and_all_counts_are_good(tmp_path: Path) -> None:
    """Everything that a commit may count."""
    tables = open_tables(tmp_path)
    tables.put_origin(P0, 0)
    cut = make_cut(0, 100, gaps=(Gap(0, 50),))
    counts = Counts(records=9, rows=2, dead_letters=0, filtered=4, tombstones=3)
    put(tables, "main", type(cut)(P0, 1, cut.range, "c", "plan", counts, cut.gaps), cut.range, [60, 70])
    commit(tables, 100, 200, rows=[])
    report = check(tmp_path)
    assert report.findings == []
    assert (report.filtered, report.tombstones) == (4, 3)


def test_replayed_dead_letters_and_fences_are_good(tmp_path: Path) -> None:
    """After a change of plan the dead-letter chain is ahead, and takes up what the old plan had accepted."""
    tables = open_tables(tmp_path)
    tables.put_origin(P0, 0)
    put(tables, "dead_letter", make_cut(0, 20), Range(0, 20), [4, 15])
    cut = make_cut(0, 10, rows=7, dead_letters=3)
    put(tables, "dead_letter", cut, Range(20, 21), [3, 8], replayed=[3, 8])
    put(tables, "main", cut, cut.range, [0, 1, 2, 5, 6, 7, 9])
    report = check(tmp_path)
    assert report.findings == []
    assert report.notes == [
        "agent-events-0: 1 dead letters are beyond the main table's end (10); its next commit takes them up."
    ]


def test_a_table_in_work_is_good(tables: ParquetDirectory, tmp_path: Path) -> None:
    """Unfinished files and uncounted dead letters are worth a note."""
    put(tables, "dead_letter", make_cut(40, 50), Range(40, 50), [44, 45])
    (tmp_path / "events" / f".{name(40)}.commit.tmp").touch()
    (tmp_path / "events" / "README").touch()
    report = check(tmp_path)
    assert report.findings == []
    assert [note.rpartition("/")[2].split()[0] for note in report.notes] == [
        f".{name(40)}.commit.tmp",
        "README",
        "agent-events-0:",
    ]


def test_without_its_dead_letters_a_table_is_checked_alone(tables: ParquetDirectory, tmp_path: Path) -> None:
    """And the report says what was not."""
    assert tables
    report = verify(tmp_path / "events", None)
    assert report.findings == []
    assert report.notes == ["3 dead letters are counted; name their table (--dead-letters) to check them."]


def test_hidden_offsets_leave_ranges_and_counts_to_check(tmp_path: Path) -> None:
    """`kafka_columns = false`."""
    tables = open_tables(tmp_path)
    tables.put_origin(P0, 0)
    for start in (0, 10):
        cut = make_cut(start, start + 10, rows=10)
        put(tables, "main", cut, cut.range, range(start, start + 10), schema=pa.schema([("level", pa.string())]))
    (tmp_path / "events" / "_penstock" / "schema.json").write_text(
        '{"version": 1, "columns": [{"name": "level", "type": "string", "nullable": true}]}'
    )
    report = check(tmp_path)
    assert report.findings == []
    assert len(report.notes) == 1
    assert "has no kafka_offset column" in report.notes[0]
    (tmp_path / "events" / name(0)).unlink()
    finding(tmp_path, "offsets 0 to 9 are missing")


def test_progress_is_told_per_file(tables: ParquetDirectory, tmp_path: Path) -> None:
    """Of both tables together."""
    assert tables
    seen: list[tuple[int, int]] = []
    verify(tmp_path / "events", tmp_path / "dead", lambda done, total: seen.append((done, total)))
    assert seen == [(number, 6) for number in range(1, 7)]


# ---- places


def test_a_missing_folder_is_unavailable(tables: ParquetDirectory, tmp_path: Path) -> None:
    """Of either table; the path is told."""
    assert tables
    for main, dead in (("absent", "dead"), ("events", "absent")):
        with pytest.raises(UnavailableError, match="absent does not exist"):
            verify(tmp_path / main, tmp_path / dead)


def test_a_folder_that_is_no_table_is_told(tmp_path: Path) -> None:
    """Empty, or with other things."""
    (tmp_path / "plain").mkdir()
    assert "not a Penstock table" in verify(tmp_path / "plain", None).findings[0]


def test_exchanged_tables_are_told(tables: ParquetDirectory, tmp_path: Path) -> None:
    """Nothing else is said then."""
    assert tables
    found = verify(tmp_path / "dead", tmp_path / "events").findings
    assert ["role dead_letter, checked as main" in found[0], "role main, checked as dead_letter" in found[1]] == [
        True
    ] * 2
    assert len(found) == 2


def test_dead_letters_of_another_job_are_told(tables: ParquetDirectory, tmp_path: Path) -> None:
    """Not compared."""
    assert tables
    open_tables(tmp_path / "other")
    found = verify(tmp_path / "events", tmp_path / "other" / "dead").findings
    assert len(found) == 1
    assert "has the dead letters of another job" in found[0]


# ---- findings


def test_a_missing_file_is_found(tables: ParquetDirectory, tmp_path: Path) -> None:
    """With the range that is gone and its neighbours."""
    assert tables
    (tmp_path / "events" / name(20)).unlink()
    finding(tmp_path, f"{name(30)}: offsets 20 to 29 are missing", f"after {name(10)}", "Restore")


def test_a_missing_first_file_is_found(tables: ParquetDirectory, tmp_path: Path) -> None:
    """By the origin."""
    assert tables
    (tmp_path / "events" / name(10)).unlink()
    finding(tmp_path, f"{name(20)}: offsets 10 to 19 are missing", "after the origin")


def test_a_missing_dead_letter_file_is_found(tables: ParquetDirectory, tmp_path: Path) -> None:
    """By its chain and by main's counts."""
    assert tables
    (tmp_path / "dead" / name(10)).unlink()
    chain, count = sorted(check(tmp_path).findings)
    assert "dead/" in chain
    assert "offsets 10 to 29 are missing" in chain
    assert f"{name(20)}: its footer counts 2 dead letters" in count


def test_a_missing_last_dead_letter_file_is_found(tables: ParquetDirectory, tmp_path: Path) -> None:
    """By main's counts alone."""
    assert tables
    (tmp_path / "dead" / name(30)).unlink()
    finding(tmp_path, f"{name(30)}: its footer counts 1 dead letters", "dead has 0 from offset 30 to 39")


def test_an_overlap_is_found(tables: ParquetDirectory, tmp_path: Path) -> None:
    """With the range that is there twice."""
    put(tables, "main", make_cut(31, 35), Range(31, 35), [])
    finding(tmp_path, f"{name(31)}: offsets 31 to 34 are in {name(30)} already")


@pytest.mark.parametrize("role", ["main", "dead_letter"])
def test_a_truncated_file_is_found(tables: ParquetDirectory, tmp_path: Path, role: Table) -> None:
    """Its range counts as missing."""
    assert tables
    folder = tmp_path / {"main": "events", "dead_letter": "dead"}[role]
    whole = (folder / name(30)).read_bytes()
    (folder / name(30)).write_bytes(whole[: len(whole) // 2])
    assert any(f"{folder}/{name(30)}: it is not a whole Parquet file" in text for text in check(tmp_path).findings)


def test_damaged_pages_are_found(tables: ParquetDirectory, tmp_path: Path) -> None:
    """The footer can be read, the rows can't."""
    assert tables
    path = tmp_path / "events" / name(10)
    content = bytearray(path.read_bytes())
    with path.open("rb") as file:
        group = pq.ParquetFile(file).metadata.row_group(0)
    column = next(group.column(n) for n in range(4) if group.column(n).path_in_schema == "kafka_offset")
    first = column.dictionary_page_offset or column.data_page_offset
    content[first : first + column.total_compressed_size] = b"\xff" * column.total_compressed_size
    path.write_bytes(content)
    assert f"{name(10)}: its rows can't be read" in check(tmp_path).findings[0]


def test_a_file_without_footer_metadata_is_found(tables: ParquetDirectory, tmp_path: Path) -> None:
    """Written anew by some tool."""
    assert tables
    path = tmp_path / "events" / name(30)
    with path.open("rb") as file:
        table = pq.ParquetFile(file).read()
    pq.write_table(table.replace_schema_metadata(None), path)
    finding(tmp_path, f"{name(30)}: its footer has no penstock.version")


def test_a_strange_parquet_file_is_found(tables: ParquetDirectory, tmp_path: Path) -> None:
    """As readers take it for the table's."""
    assert tables
    pq.write_table(COLUMNS["main"].empty_table(), tmp_path / "events" / "compacted.parquet")
    finding(tmp_path, "compacted.parquet is not Penstock's", "Move it")


def test_a_file_of_another_table_is_found(tables: ParquetDirectory, tmp_path: Path) -> None:
    """Though it would fit."""
    assert tables
    other = open_tables(tmp_path / "other")
    other.put_origin(P0, 40)
    commit(other, 40, 50)
    shutil.copy(tmp_path / "other" / "events" / name(40), tmp_path / "events")
    finding(tmp_path, f"{name(40)} was written for another table")


def test_a_renamed_file_is_found(tables: ParquetDirectory, tmp_path: Path) -> None:
    """By its footer."""
    assert tables
    (tmp_path / "events" / name(30)).rename(tmp_path / "events" / name(40))
    finding(tmp_path, f"{name(40)} was written as {name(30)}")


@pytest.mark.parametrize(
    ("lost", "words"),
    [
        ("table.json", "not a Penstock table, or _penstock was removed"),
        ("schema.json", "schema.json is missing: restore it"),
        (f"origin/{file_name.partition_part(P0)}.json", "is missing, so records before the first file may be lost"),
    ],
)
def test_lost_table_files_are_found(tables: ParquetDirectory, tmp_path: Path, lost: str, words: str) -> None:
    """And named."""
    assert tables
    (tmp_path / "events" / "_penstock" / lost).unlink()
    finding(tmp_path, f"_penstock/{lost}", words)


@pytest.mark.parametrize("broken", ["table.json", "schema.json", f"origin/{file_name.partition_part(P0)}.json"])
def test_damaged_table_files_are_found(tables: ParquetDirectory, tmp_path: Path, broken: str) -> None:
    """And named."""
    assert tables
    (tmp_path / "events" / "_penstock" / broken).write_text("{")
    finding(tmp_path, f"_penstock/{broken}", "damaged")


def test_a_row_that_is_there_twice_is_found(tables: ParquetDirectory, tmp_path: Path) -> None:
    """Within a file."""
    assert tables
    rewrite(tmp_path / "events" / name(10), rows=with_offsets(10, 11, 12, 13, 14, 15, 16, 17, 17, 19))
    finding(tmp_path, f"{name(10)}: offset 17 is in it twice")


def test_rows_out_of_order_are_no_fault(tables: ParquetDirectory, tmp_path: Path) -> None:
    """Only being twice is."""
    assert tables
    rewrite(tmp_path / "events" / name(10), rows=with_offsets(11, 10, 12, 13, 14, 15, 16, 17, 18, 19))
    assert check(tmp_path).findings == []


@pytest.mark.parametrize("offsets", [(9, 11, 12), (11, 12, 20)])
def test_a_row_outside_of_its_range_is_found(
    tables: ParquetDirectory, tmp_path: Path, offsets: tuple[int, ...]
) -> None:
    """Below or beyond."""
    assert tables
    path = tmp_path / "events" / name(10)
    rewrite(path, rows=lambda table: with_offsets(*offsets)(table.slice(0, 3)), footer={"rows": "3", "records": "3"})
    stray = next(offset for offset in offsets if not 10 <= offset < 20)
    finding(tmp_path, f"offset {stray} is outside of its range, 10 to 19 (1 such rows)")


def test_a_dead_letter_below_its_range_must_be_a_replayed_one(tmp_path: Path) -> None:
    """Otherwise it is a writer's fault."""
    tables = open_tables(tmp_path)
    tables.put_origin(P0, 0)
    commit(tables, 0, 10, dead=[3])
    cut = make_cut(10, 20, rows=10)
    put(tables, "dead_letter", cut, Range(10, 20), [5])
    put(tables, "main", cut, cut.range, range(10, 20))
    assert any(f"dead/{name(10)}: offset 5 is outside of its range" in text for text in check(tmp_path).findings)


def test_rows_of_another_partition_are_found(tables: ParquetDirectory, tmp_path: Path) -> None:
    """By their columns."""
    assert tables

    def move(table: Any) -> Any:
        place = table.schema.get_field_index("kafka_partition")
        return table.set_column(place, table.schema.field(place), pa.array([0] * 9 + [7], pa.int32()))

    rewrite(tmp_path / "events" / name(10), rows=move)
    finding(tmp_path, f"{name(10)}: kafka_partition is 7 in some rows, not 0")


def test_a_wrong_row_count_is_found(tables: ParquetDirectory, tmp_path: Path) -> None:
    """Rows that the footer does not know of, or knows and has not."""
    assert tables
    rewrite(tmp_path / "events" / name(10), rows=lambda table: table.slice(0, 8))
    finding(tmp_path, f"{name(10)}: it has 8 rows, its footer counts 10")


@pytest.mark.parametrize(
    ("footer", "words"),
    [
        ({"filtered": "1"}, "counts 10 records, but 11 rows, dead letters, filtered and tombstones"),
        ({"filtered": "1", "records": "11"}, "counts 11 records, more than its range has offsets"),
        ({"gaps": "[[5,12]]"}, "its gap 5 to 12 is outside of its range"),
        ({"gaps": "[[12,12]]"}, "its gap 12 to 12 is outside of its range"),
        ({"cluster_id": "elsewhere"}, "is of Kafka cluster elsewhere, the table of cluster-1"),
    ],
)
def test_footers_that_do_not_add_up_are_found(
    tables: ParquetDirectory, tmp_path: Path, footer: dict[str, str], words: str
) -> None:
    """Each rule by itself."""
    assert tables
    rewrite(tmp_path / "events" / name(10), footer=footer)
    finding(tmp_path, name(10), words)


def test_a_dead_letter_too_many_is_found(tables: ParquetDirectory, tmp_path: Path) -> None:
    """Committed, but main does not count it."""
    assert tables

    def add(table: Any) -> Any:
        return with_offsets(22, 25, 29)(pa.concat_tables([table, table.slice(0, 1)]))

    rewrite(tmp_path / "events" / name(20), rows=lambda table: table.slice(0, 7), footer={"rows": "7", "records": "9"})
    rewrite(tmp_path / "dead" / name(10), rows=add)
    finding(tmp_path, f"{name(20)}: its footer counts 2 dead letters", "has 3 from offset 20 to 29")


def test_a_record_that_is_row_and_dead_letter_is_found(tables: ParquetDirectory, tmp_path: Path) -> None:
    """It has two verdicts."""
    assert tables
    rewrite(tmp_path / "dead" / name(10), rows=with_offsets(22, 27))
    finding(tmp_path, f"events/{name(20)}: offset 27 is a row here and a dead letter too (1 such)")


def test_a_dead_letter_in_two_files_is_found(tables: ParquetDirectory, tmp_path: Path) -> None:
    """Once as such, once replayed."""
    assert tables

    def replay(table: Any) -> Any:
        twice = with_offsets(39, 25)(pa.concat_tables([table, table]))
        place = twice.schema.get_field_index("replayed")
        return twice.set_column(place, twice.schema.field(place), pa.array([False, True]))

    rewrite(tmp_path / "dead" / name(30), rows=replay)
    finding(tmp_path, f"dead: offset 25 is in several files: {name(10)}, {name(30)}")


def test_a_file_with_other_columns_is_found(tables: ParquetDirectory, tmp_path: Path) -> None:
    """The names are compared with the table's."""
    assert tables
    rewrite(tmp_path / "events" / name(10), rows=lambda table: table.drop_columns(["level"]))
    finding(tmp_path, f"{name(10)}: its columns are not the table's (level)")


def test_a_main_file_in_the_dead_letter_table_is_found(tables: ParquetDirectory, tmp_path: Path) -> None:
    """Put there by hand."""
    assert tables
    shutil.move(tmp_path / "events" / name(0, P1), tmp_path / "dead" / name(0, P1))
    assert any("was written for another table" in text for text in check(tmp_path).findings)


def test_all_partitions_are_checked(tables: ParquetDirectory, tmp_path: Path) -> None:
    """One that is broken hides no other."""
    assert tables
    (tmp_path / "events" / name(10)).unlink()
    rewrite(tmp_path / "events" / name(0, P1), rows=with_offsets(1, 1))
    assert len(check(tmp_path).findings) == 2
