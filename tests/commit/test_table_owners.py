"""Tables know whose they are, and which columns they have."""

from __future__ import annotations

import json
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from penstock.commit import file_name
from penstock.commit.parquet_directory import ParquetDirectory
from penstock.errors import ConfigError
from penstock.sink.local import LocalStorage
from tests.commit.tables import CLUSTER, FIRST, P0, SCHEMAS, commit, make_cut, open_tables, schema_json, write

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from penstock.commit.effects import Table


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
