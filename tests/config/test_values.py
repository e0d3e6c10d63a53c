"""What a valid file means: units, types, defaults."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from penstock.config.column_type import MAX_PRECISION, ColumnType, parse_column_type
from penstock.config.listen import parse_address
from penstock.config.units import parse_duration, parse_size, parse_start
from tests.config.pipeline_text import SECTIONS, load_text, pipeline_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

SOURCE = SECTIONS["source"] + "\n"


@pytest.mark.parametrize(
    ("text", "size"),
    [("128MiB", 128 * 2**20), ("1GB", 10**9), ("64 KiB", 65_536), ("1.5GiB", 3 * 2**29), ("7B", 7), (4096, 4096)],
)
def test_a_size_is_bytes(text: object, size: int) -> None:
    """Powers of two with an i, of ten without; a bare integer is bytes."""
    assert parse_size(text) == size


@pytest.mark.parametrize(
    "text", ["", "MiB", "12", "1 PB", "-1MiB", "1mib", "1e3B", True, 1.5, -1, "9999999TiB", "\u0661MiB"]
)
def test_what_is_not_a_size_is_refused(text: object) -> None:
    """No guessing of units or signs."""
    with pytest.raises(ValueError, match="size"):
        parse_size(text)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30s", 30), ("5m", 300), ("1h30m", 5400), ("500ms", 0.5), ("1.5s", 1.5), ("2h3m4s5ms", 7384.005)],
)
def test_a_duration_is_seconds(text: str, seconds: float) -> None:
    """Parts from large to small; ms is not m and s."""
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "30", "s", "5 m", "1m1h", "1d", "-1s", 30, None, "999999h", "0s"])
def test_what_is_not_a_duration_is_refused(text: object) -> None:
    """A number without a unit is a guess."""
    with pytest.raises(ValueError, match="duration"):
        parse_duration(text)


def test_a_start_is_a_policy_or_an_instant_with_its_zone() -> None:
    """Text or TOML's own date-time."""
    assert parse_start("latest") == "latest"
    assert parse_start("2026-01-31T10:00:00+02:00") == datetime(2026, 1, 31, 8, tzinfo=UTC)
    assert parse_start("2026-01-31t08:00:00.5z") == datetime(2026, 1, 31, 8, microsecond=500_000, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "bool",
        "int64",
        "float64",
        "string",
        "json",
        "date",
        "decimal(10, 2)",
        "timestamp[ns, UTC]",
        "binary[hex]",
        "list<timestamp[us, UTC]>",
        "map<string, list<decimal(3, 1)>>",
        'struct<a: int64, gen_ai.usage: struct<"b c": json, "\\"<é": map<string, date>>>',
    ],
)
def test_a_column_type_is_written_as_it_is_read(text: str) -> None:
    """The one spelling is what the core gets."""
    assert str(parse_column_type(text)) == text


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [("127.0.0.1:9464", "127.0.0.1", 9464), ("[::1]:80", "::1", 80), ("localhost:0", "localhost", 0)],
)
def test_an_address_is_a_host_and_a_port(text: str, host: str, port: int) -> None:
    """Port 0 is any free one; the one spelling is what messages show."""
    address = parse_address(text)
    assert address == (host, port)
    assert str(address) == text


def test_nothing_listens_unless_it_is_said(tmp_path: Path) -> None:
    """Metrics are off by default."""
    assert load_text(tmp_path, pipeline_text({})).telemetry.listen is None
    text = pipeline_text({"telemetry": 'listen = "127.0.0.1:9464"'})
    assert load_text(tmp_path, text).telemetry.listen == ("127.0.0.1", 9464)


def test_spaces_and_zeros_in_a_column_type_do_not_matter() -> None:
    """Different spellings of one type are equal."""
    assert parse_column_type(" timestamp[us,UTC] ") == ColumnType("timestamp", ("us", "UTC"))
    assert str(parse_column_type("decimal( 010,02 )")) == "decimal(10, 2)"


def test_spaces_in_a_nested_type_do_not_matter() -> None:
    """Different spellings of one type are equal."""
    spelt = parse_column_type(' struct < a :list< int64 > , "b" :map<string,decimal( 01 ,1)>> ')
    assert str(spelt) == "struct<a: list<int64>, b: map<string, decimal(1, 1)>>"


@given(st.integers(1, MAX_PRECISION), st.data())
def test_every_decimal_is_read_back(precision: int, data: st.DataObject) -> None:
    """Precision up to 38, scale up to the precision."""
    text = f"decimal({precision}, {data.draw(st.integers(0, precision))})"
    assert str(parse_column_type(text)) == text


@pytest.mark.parametrize("parse", [parse_size, parse_duration, parse_start, parse_column_type, parse_address])
@given(text=st.text())
def test_no_text_breaks_a_reader(parse: Callable[[object], object], text: str) -> None:
    """Whatever stands in the file, it is a value or a `ValueError`."""
    with contextlib.suppress(ValueError):
        parse(text)


def test_defaults_are_those_of_the_documentation(tmp_path: Path) -> None:
    """The smallest file."""
    config = load_text(tmp_path, pipeline_text({}))
    assert config.pipeline.memory_limit == 512 * 2**20
    assert config.pipeline.shutdown_grace == timedelta(seconds=30)
    assert (config.pipeline.workers, config.pipeline.on_fault) == (0, "stop")
    assert (config.source.type, config.kafka.group, config.kafka.start) == ("kafka", "agent-events", "earliest")
    assert (config.kafka.isolation, config.kafka.on_gap, config.kafka.fetch_mode) == (
        "read_committed",
        "fail",
        "auto",
    )
    assert config.kafka.session_timeout == timedelta(seconds=45)
    assert (config.kafka.instance_id, config.kafka.sasl, config.kafka.tls) == (None, None, None)
    assert (config.decode.max_depth, config.decode.max_bytes) == (128, 16 * 2**20)
    assert (config.decode.invalid_text, config.decode.residue, config.decode.coerce) == ("reject", True, False)
    assert (config.sink.type, config.sink.path, config.sink.kafka_columns) == ("parquet", Path("events"), True)
    assert (config.sink.cut.bytes, config.sink.cut.age, config.sink.cut.rows) == (
        128 * 2**20,
        timedelta(minutes=5),
        None,
    )
    assert (config.dead_letter.path, config.dead_letter.raw) == (Path("events-dead"), "keep")
    assert (config.dead_letter.limit.ratio, config.dead_letter.limit.run) == (0.05, 1000)
    assert (config.telemetry.log, config.telemetry.log_level) == ("text", "info")


@pytest.mark.parametrize(("path", "dead"), [("a/b/", "a/b-dead"), ("./a", "a-dead"), ("/a", "/a-dead")])
def test_dead_letters_go_beside_the_table(path: str, dead: str, tmp_path: Path) -> None:
    """Never inside it."""
    config = load_text(tmp_path, pipeline_text({"sink": f'path = "{path}"'}))
    assert config.dead_letter.path == Path(dead)


def test_dead_letters_of_the_current_directory_go_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`.` has no name to append to."""
    monkeypatch.chdir(tmp_path)
    config = load_text(tmp_path, pipeline_text({"sink": 'path = "."'}))
    assert config.dead_letter.path == Path(f"{tmp_path.resolve()}-dead")


def test_columns_keep_their_order_and_have_a_path(tmp_path: Path) -> None:
    """A string is split at dots, a list is not, and without a path the name is one key."""
    columns = (
        'zebra = "string"\n'
        'tokens = { path = "usage.total_tokens", type = "int64", required = true }\n'
        '"a.b" = "json"\n'
        'dotted = { path = ["gen_ai.usage", "in"], type = "decimal(10,2)" }'
    )
    config = load_text(tmp_path, pipeline_text({"decode.columns": columns}))
    assert [(name, c.path, str(c.type), c.required) for name, c in config.decode.columns.items()] == [
        ("zebra", ("zebra",), "string", False),
        ("tokens", ("usage", "total_tokens"), "int64", True),
        ("a.b", ("a.b",), "json", False),
        ("dotted", ("gen_ai.usage", "in"), "decimal(10, 2)", False),
    ]


def test_a_config_does_not_change(tmp_path: Path) -> None:
    """Frozen all the way down."""
    config = load_text(tmp_path, pipeline_text({}))
    with pytest.raises(ValidationError, match="frozen"):
        config.sink.cut.rows = 3


def _digest(directory: Path, changes: Mapping[str, str | None], schema: str = "[]") -> str:
    return load_text(directory, pipeline_text(changes)).plan_digest(schema)


def test_the_plan_digest_changes_with_the_verdict_only(tmp_path: Path) -> None:
    """Columns, decoding and the table's schema decide; cut, memory, brokers and logs do not."""
    plain = _digest(tmp_path, {})
    assert len(plain) == 32
    same: list[Mapping[str, str | None]] = [
        {"sink": 'path = "elsewhere"\ncut = { rows = 5 }'},
        {"pipeline": 'name = "x"\nmemory_limit = "1GiB"\nworkers = 3'},
        {"source": 'brokers = ["b:1"]\ntopics = ["agent-events"]'},
        {"telemetry": 'log = "json"'},
        {"decode.columns": 'event_id = { path = "event_id", type = "string" }'},
    ]
    other: list[Mapping[str, str | None]] = [
        {"decode": "max_depth = 5"},
        {"decode": 'invalid_text = "replace"'},
        {"decode": "residue = false"},
        {"decode.columns": 'event_id = "json"'},
        {"decode.columns": 'event_id = { path = "id", type = "string" }'},
        {"decode.columns": 'event_id = { type = "string", required = true }'},
    ]
    assert {_digest(tmp_path, changes) for changes in same} == {plain}
    assert len({plain, _digest(tmp_path, {}, "[1]"), *(_digest(tmp_path, changes) for changes in other)}) == 8
