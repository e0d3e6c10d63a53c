"""Every finding, at its place; and nothing about what is well."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings

from penstock import pipeline
from penstock.config import load
from penstock.config.load import examine
from penstock.config.problem import dotted
from penstock.errors import ConfigError
from penstock.lint.advice import EARLY_CUT_AT, advise
from penstock.lint.codes import CODES
from penstock.lint.lint import lint
from penstock.lint.reference import page
from tests.config.pipeline_text import SECTIONS, pipeline_text, write
from tests.config.test_any_file import document_text, documents

if TYPE_CHECKING:
    from collections.abc import Mapping

    from penstock.config.finding import Finding

ROOT = Path(__file__).parents[2]
NAME = SECTIONS["pipeline"] + "\n"
SOURCE = SECTIONS["source"] + "\n"
SINK = SECTIONS["sink"] + "\n"
COLUMN = SECTIONS["decode.columns"] + "\n"
SASL = 'user = "u"\npassword_env = "BROKER_PASSWORD"\n'

# Code, the changed sections with the place marked by §, the message.
FOUND: list[tuple[str, Mapping[str, str | None], str]] = [
    ("unknown_section", {"§sinc": ""}, "sinc: unknown section; did you mean [sink]?"),
    ("unknown_key", {"sink": SINK + '§pth = "a"'}, 'sink.pth: unknown key; did you mean "path"?'),
    ("missing_key", {"§pipeline": "workers = 1", "pipeline": None}, "pipeline.name: required key is missing"),
    ("missing_key", {"source": None, "§source": 'brokers = ["a:1"]'}, "source: needs topics or topics_regex"),
    ("wrong_type", {"pipeline": "§name = 3"}, "pipeline.name: 3 is not a string; write it in quotes"),
    ("wrong_type", {"sink": SINK + "§cut = 3"}, "sink.cut: 3 is not a section; write [sink.cut]"),
    ("invalid_value", {"source": SOURCE + '§on_gap = "x"'}, 'source.on_gap: "x" is not "fail" or "record"'),
    ("invalid_value", {"sink": SINK + 'cut = { §age = "5 min" }'}, 'sink.cut.age: "5 min" is not a duration'),
    ("out_of_range", {"decode": "§max_depth = 0"}, "decode.max_depth: 0 is out of range; it must be at least 1"),
    ("not_available", {"sink": SINK + '§type = "delta"'}, 'sink.type: "delta" is not available yet in this version'),
    ("not_available", {"sink": '§path = "s3://a/b"'}, "sink.path: s3:// locations are not available yet"),
    ("empty", {"source": '§brokers = []\ntopics = ["b"]'}, "source.brokers: empty list; name at least one"),
    ("exclusive", {"source": SOURCE + '§topics_regex = "a.*"'}, "source.topics_regex: can't be set together with"),
    ("reserved_column", {"decode.columns": '§kafka_key = "string"'}, "decode.columns.kafka_key: reserved for"),
    ("tables_overlap", {"dead_letter": '§path = "events/dead"'}, "dead_letter.path: nested with sink.path"),
    (
        "password_in_file",
        {"source.sasl": SASL + 'mechanism = "SCRAM-SHA-256"\n§password = "x"'},
        "source.sasl.password: unknown key: a password is never in the file; name its variable in password_env",
    ),
    (
        "invalid_transform",
        {"[transform]": 'type = "filter"\n§where = "x > 1"'},
        "transform.0.where: column 1: there is no column `x`",
    ),
    (
        "unredacted_dead_letters",
        {"[transform]": 'type = "redact"', "dead_letter": '§raw = "keep"'},
        "dead_letter.raw: a rejected record is not redacted, and dead letters keep it as it came",
    ),
    (
        "column_named_as_setting",
        {"decode.columns": COLUMN + '§format = "string"'},
        'decode.columns.format: a column with the name of the setting "format" of [decode]',
    ),
    (
        "early_cut",
        {"sink": SINK + 'cut = { §bytes = "400MiB" }'},
        "sink.cut.bytes: 400MiB is more than 70 % of pipeline.memory_limit (512MiB);",
    ),
    (
        "early_cut",
        {"pipeline": NAME + '§memory_limit = "128MiB"'},
        "pipeline.memory_limit: sink.cut.bytes, 128MiB by default, is more than 70 % of 128MiB;",
    ),
    (
        "small_memory_limit",
        {"pipeline": NAME + '§memory_limit = "31MiB"', "sink": SINK + 'cut = { bytes = "16MiB" }'},
        "pipeline.memory_limit: 31MiB is less than 32MiB, too little to work with",
    ),
    (
        "large_records",
        {"decode": '§max_bytes = "1GiB"'},
        "decode.max_bytes: 1GiB is not less than pipeline.memory_limit (512MiB);",
    ),
    ("small_files", {"sink": SINK + 'cut = { §age = "9s500ms" }'}, "sink.cut.age: an age of 9s500ms makes many"),
    ("small_files", {"sink": SINK + "cut = { §rows = 999 }"}, "sink.cut.rows: 999 rows make many small files"),
    ("small_files", {"sink": SINK + 'cut = { §bytes = "1000B" }'}, "sink.cut.bytes: 1000B make many small files"),
    (
        "long_shutdown_grace",
        {"pipeline": NAME + '§shutdown_grace = "90s"'},
        "pipeline.shutdown_grace: 1m30s is longer than systemd (90s)",
    ),
    (
        "short_session_timeout",
        {"source": SOURCE + '§session_timeout = "9s"'},
        "source.session_timeout: 9s is short: a pause of the machine counts as a death",
    ),
    (
        "long_session_timeout",
        {"source": SOURCE + '§session_timeout = "31m"'},
        "source.session_timeout: 31m is more than the 30 minutes that brokers accept",
    ),
    (
        "group_not_named",
        {"source": SOURCE + '§start = "group"'},
        'source.start: "group" begins at the committed offsets of a group, and none is named',
    ),
    (
        "shared_instance_id",
        {"source": SOURCE + '§instance_id = "a"'},
        "source.instance_id: two processes with this file would have the same id",
    ),
    (
        "internal_topics",
        {"source": 'brokers = ["a:1"]\n§topics_regex = ".*"'},
        'source.topics_regex: matches internal topics too, such as "__consumer_offsets"',
    ),
    (
        "internal_topics",
        {"source": 'brokers = ["a:1"]\n§topics_regex = "_s"'},
        'source.topics_regex: matches internal topics too, such as "_schemas"',
    ),
    (
        "undeclared_columns",
        {"decode.columns": None, "source": SOURCE + '§group = "shared"'},
        "source.group: several processes may share the topics, and no columns are declared: the first one decides",
    ),
    (
        "open_listen",
        {"telemetry": '§listen = "0.0.0.0:9464"'},
        "telemetry.listen: 0.0.0.0:9464 can be reached from other machines, without a login",
    ),
    ("open_listen", {"telemetry": '§listen = "[::]:0"'}, "telemetry.listen: [::]:0 can be reached from other"),
    (
        "clear_text_password",
        {"source.sasl": SASL + '§mechanism = "PLAIN"'},
        'source.sasl.mechanism: "PLAIN" without [source.tls] sends the password in clear text',
    ),
]
ELSEWHERE = {"unreadable_file", "invalid_toml", "invalid_override", "missing_section"}
"""Have tests of their own below."""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Relative paths, and a password to name."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BROKER_PASSWORD", "x")


def lint_text(text: str, *flags: str, environment: Mapping[str, str] | None = None) -> list[Finding]:
    """Findings about one file."""
    return lint([write(Path(), text)[0]], flags, environment or {})


@pytest.mark.parametrize(("code", "changes", "message"), FOUND, ids=[f"{code}-{text[:24]}" for code, _, text in FOUND])
def test_a_finding_has_a_code_and_a_place(code: str, changes: Mapping[str, str | None], message: str) -> None:
    """One thing is wrong, one finding comes; where the file can't run, with the words `run` has."""
    path, place = write(Path(), pipeline_text(changes))
    (finding,) = lint([path], environment={})
    assert (finding.code, str(finding.place)) == (code, f"{path}{place}")
    assert finding.text.startswith(message)
    if CODES[code].severity == "error":
        with pytest.raises(ConfigError) as caught:
            load(path, environment={})
        assert str(caught.value) == str(finding)
    else:
        load(path, environment={})


def test_a_file_is_cut_early_where_the_pipeline_does_it() -> None:
    """A static check imports no pipeline."""
    assert EARLY_CUT_AT == pipeline.EARLY_CUT_AT


def test_every_code_has_a_test() -> None:
    """A finding that nobody has seen is no finding."""
    assert {code for code, _, _ in FOUND} | ELSEWHERE == set(CODES)


def test_every_code_is_documented() -> None:
    """`docs/lint.md` is made from the codes."""
    assert (ROOT / "docs" / "lint.md").read_text(encoding="utf-8") == page()


def test_every_code_in_the_package_is_known() -> None:
    """None is written at only one of two places."""
    sources = [*(ROOT / "python/penstock/config").glob("*.py"), *(ROOT / "python/penstock/lint").glob("*.py")]
    written = {code for path in sources for code in re.findall(r'code="(\w+)"', path.read_text(encoding="utf-8"))}
    assert written <= set(CODES)
    assert len(written) > 15


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"source": SOURCE + 'start = "group"\ngroup = "g"'},
        {"source": 'brokers = ["a:1"]\ntopics_regex = "agent-.*"'},
        {"source.sasl": SASL + 'mechanism = "PLAIN"', "source.tls": ""},
        {"source.sasl": SASL + 'mechanism = "SCRAM-SHA-512"'},
        {"decode.columns": None},
        {"telemetry": 'listen = "127.0.0.1:9464"'},
        {"telemetry": 'listen = "[::1]:9464"'},
        {"telemetry": 'listen = "localhost:0"'},
        {"source": 'type = "file"\npath = ["a/*.ndjson", "b.gz"]'},
        {"pipeline": NAME + 'memory_limit = "1GiB"', "sink": SINK + 'cut = { bytes = "700MiB", age = "10s" }'},
        {"pipeline": NAME + 'shutdown_grace = "89s"', "source": SOURCE + 'session_timeout = "10s"'},
    ],
)
def test_nothing_is_found_where_nothing_is_wrong(changes: Mapping[str, str | None]) -> None:
    """The other side of each doubt."""
    assert lint_text(pipeline_text(changes)) == []


@pytest.mark.parametrize("path", sorted((ROOT / "examples").rglob("*.toml")), ids=lambda path: path.name)
def test_nothing_is_found_in_the_examples(path: Path) -> None:
    """They are what people copy."""
    assert lint([path], environment={}) == []


def test_all_findings_of_a_file_come_at_once_in_its_order() -> None:
    """Doubts too, where something else is mistaken; but none about what stands in for a mistake."""
    text = pipeline_text(
        {
            "pipeline": 'shutdown_grace = "5m"',
            "source": 'brokers = "a:1"\ntopics = ["b"]\nsession_timeout = "1s"\ninstance_id = 3',
            "decode.columns": 'a = "strng"\nformat = "string"',
            "sink": 'path = 3\ncut = { bytes = "1X", rows = 5, age = "1s" }',
        }
    )
    assert [(finding.code, finding.key) for finding in lint_text(text)] == [
        ("missing_key", "pipeline.name"),
        ("long_shutdown_grace", "pipeline.shutdown_grace"),
        ("wrong_type", "source.brokers"),
        ("short_session_timeout", "source.session_timeout"),
        ("wrong_type", "source.instance_id"),
        ("invalid_value", "decode.columns.a"),
        ("column_named_as_setting", "decode.columns.format"),
        ("invalid_value", "sink.path"),
        ("invalid_value", "sink.cut.bytes"),
        ("small_files", "sink.cut.rows"),
        ("small_files", "sink.cut.age"),
    ]


def test_a_missing_section_does_not_hide_the_rest() -> None:
    """Nor is anything said about what it would have had."""
    text = pipeline_text({"source": None, "sink": None, "pipeline": NAME + 'shutdown_grace = "5m"'})
    assert [(finding.code, finding.key) for finding in lint_text(text)] == [
        ("missing_section", "source"),
        ("missing_section", "sink"),
        ("long_shutdown_grace", "pipeline.shutdown_grace"),
    ]


def test_a_finding_names_the_layer_it_came_from() -> None:
    """The file is not to blame for a variable or a flag."""
    findings = lint_text(
        pipeline_text({}),
        "sink.cut.age=1s",
        "x",
        environment={"PENSTOCK__PIPELINE__MEMORY_LIMIT": "1MiB", "PENSTOCK__SINK__PAHT": "x"},
    )
    assert {(str(finding.place), finding.code, finding.place.line) for finding in findings} == {
        ("--set", "invalid_override", None),
        ("PENSTOCK__SINK__PAHT", "unknown_key", None),
        ("--set", "small_files", None),
        ("PENSTOCK__PIPELINE__MEMORY_LIMIT", "small_memory_limit", None),
        ("PENSTOCK__PIPELINE__MEMORY_LIMIT", "early_cut", None),
    }


@pytest.mark.parametrize(
    ("raw", "places"), [("", ["transform.0"]), ('raw = "keep"', ["dead_letter.raw"]), ('raw = "drop"', [])]
)
def test_what_is_redacted_may_be_in_a_dead_letter(raw: str, places: list[str]) -> None:
    """At the key that keeps it, or else at the step that promises more than it can."""
    path, _ = write(Path(), pipeline_text({"dead_letter": raw}))
    examined = examine(path, environment={})
    assert examined.config is not None
    assert examined.layers is not None
    redacting = examined.config.model_copy(update={"transform": (SimpleNamespace(type="redact"),)})
    found = [p for p in advise(redacting, examined.layers) if p.code == "unredacted_dead_letters"]
    assert [dotted(problem.path) for problem in found] == places


def test_an_instance_id_of_the_environment_is_one_per_process() -> None:
    """As it should be."""
    assert lint_text(pipeline_text({}), environment={"PENSTOCK__SOURCE__INSTANCE_ID": "pod-3"}) == []


def test_what_can_not_be_read_is_found_too() -> None:
    """Missing, a directory, not UTF-8, not TOML: where it is known, with the place."""
    Path("latin.toml").write_bytes(b"# a\n# caf\xe9\n")
    Path("half.toml").write_text("[pipeline]\nname = ", encoding="utf-8")
    findings = lint([Path("nothing.toml"), Path(), Path("latin.toml"), Path("half.toml")], environment={})
    assert [(str(finding.place), finding.code) for finding in findings] == [
        ("nothing.toml", "unreadable_file"),
        (".", "unreadable_file"),
        ("latin.toml:2", "unreadable_file"),
        ("half.toml:2:8", "invalid_toml"),
    ]


def test_tables_of_several_files_are_compared() -> None:
    """Two jobs in one directory would refuse each other at run time, one after the other."""
    Path("one.toml").write_text(pipeline_text({}), encoding="utf-8")
    Path("two.toml").write_text(pipeline_text({"sink": 'path = "events/two"'}), encoding="utf-8")
    Path("three.toml").write_text(pipeline_text({"sink": 'path = "third"'}), encoding="utf-8")
    four = {"sink": 'path = "fourth"', "dead_letter": 'path = "third-dead"'}
    Path("four.toml").write_text(pipeline_text(four), encoding="utf-8")
    findings = lint([Path(f"{name}.toml") for name in ("one", "two", "three", "four")], environment={})
    own = "; every table needs a directory of its own"
    assert [str(finding) for finding in findings] == [
        "two.toml:12:1: sink.path: nested with sink.path of one.toml" + own,
        "four.toml:15:1: dead_letter.path: the same directory as dead_letter.path of three.toml" + own,
    ]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100, deadline=None)
@given(documents)
def test_no_file_breaks_it(document: dict[str, object]) -> None:
    """Whatever a file says, the answer is a list of known findings."""
    path = Path("any.toml")
    path.write_text(document_text(document), encoding="utf-8")
    assert {finding.code for finding in lint([path], environment={})} <= set(CODES)
