"""Flag over environment over file over default."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from penstock.config.layers import parse_value
from penstock.errors import ConfigError
from tests.config.pipeline_text import load_text, pipeline_text

if TYPE_CHECKING:
    from pathlib import Path

FILE = pipeline_text({"sink": 'path = "events"\ncut = { rows = 1, bytes = 1, age = "1s" }'})


def test_a_flag_is_stronger_than_the_environment_and_that_than_the_file(tmp_path: Path) -> None:
    """Key by key: what a layer does not name stays."""
    config = load_text(
        tmp_path,
        FILE,
        ("sink.cut.rows=3",),
        {"PENSTOCK__SINK__CUT__ROWS": "2", "PENSTOCK__SINK__CUT__BYTES": "2KiB", "PENSTOCK_FAILPOINT": "a:1"},
    )
    assert (config.sink.cut.rows, config.sink.cut.bytes, config.sink.cut.age) == (3, 2048, timedelta(seconds=1))


def test_a_flag_can_make_a_section_that_the_file_does_not_have(tmp_path: Path) -> None:
    """Even one inside another."""
    config = load_text(tmp_path, pipeline_text({}), ("dead_letter.limit.run=7", "decode.columns.level=string"))
    assert config.dead_letter.limit.run == 7
    assert list(config.decode.columns) == ["event_id", "level"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3),
        ("true", True),
        ('"3"', "3"),
        ('["a", "b"]', ["a", "b"]),
        ("30s", "30s"),
        ("./events", "./events"),
        ("", ""),
        ("1\nb = 2", "1\nb = 2"),
        ("{ a = 1 }", "{ a = 1 }"),
        ("2026-01-31T00:00:00Z", "2026-01-31T00:00:00Z"),
    ],
)
def test_a_value_is_toml_or_else_the_text_itself(text: str, value: object) -> None:
    """Scalars and arrays only."""
    assert parse_value(text) == value


def test_a_list_comes_from_the_environment(tmp_path: Path) -> None:
    """As TOML writes it."""
    config = load_text(tmp_path, FILE, environment={"PENSTOCK__SOURCE__TOPICS": '["a", "b"]'})
    assert config.kafka.topics == ("a", "b")


@pytest.mark.parametrize(
    ("flags", "environment", "message"),
    [
        ((), {"PENSTOCK__SINK__CUT__BYTES": "x"}, 'PENSTOCK__SINK__CUT__BYTES: sink.cut.bytes: "x" is not a size'),
        ((), {"PENSTOCK__SINC__PATH": "x"}, "PENSTOCK__SINC__PATH: sinc: unknown section; did you mean [sink]?"),
        ((), {"PENSTOCK__SINK__PAHT": "x"}, 'PENSTOCK__SINK__PAHT: sink.paht: unknown key; did you mean "path"?'),
        ((), {"PENSTOCK__SINK__PATH__X": "x"}, "PENSTOCK__SINK__PATH__X: sink.path: a single value, it has no keys"),
        ((), {"PENSTOCK__": "x"}, "PENSTOCK__: not a section, a key and a value; write PENSTOCK__SECTION__KEY"),
        ((), {"PENSTOCK__SINK": "x"}, "PENSTOCK__SINK: not a section, a key and a value"),
        (
            (),
            {"PENSTOCK__SOURCE__TYPE": "memory"},
            'PENSTOCK__SOURCE__TYPE: source.type: "memory" is for penstock.testing',
        ),
        (
            ("sink.cut.rows=0",),
            {"PENSTOCK__SINK__CUT__ROWS": "5"},
            "--set: sink.cut.rows: 0 is out of range",
        ),
        (
            ("sink.cut.rows",),
            {},
            "--set: not a section, a key and a value; write --set section.key=value",
        ),
        (("=5",), {}, "--set: not a section, a key and a value"),
        (("transform.type=filter",), {}, "--set: transform: a table is not a list of steps; write [[transform]]"),
    ],
)
def test_a_mistake_names_the_layer_it_came_from(
    flags: tuple[str, ...], environment: dict[str, str], message: str, tmp_path: Path
) -> None:
    """The file is not to blame for a variable."""
    with pytest.raises(ConfigError) as caught:
        load_text(tmp_path, FILE, flags, environment)
    (line,) = str(caught.value).splitlines()
    assert line.startswith(message)
