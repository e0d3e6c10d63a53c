"""Every mistake has its own message, at its own place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from penstock.config import load
from penstock.errors import ConfigError
from tests.config.pipeline_text import SECTIONS, load_text, pipeline_text, write

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SOURCE = SECTIONS["source"] + "\n"
SINK = SECTIONS["sink"] + "\n"
NAME = SECTIONS["pipeline"] + "\n"
LATER = "not available yet in this version"

# What is wrong, the changed sections with the place marked by §, and what the message says after the place.
MISTAKES: dict[str, tuple[Mapping[str, str | None], str]] = {
    # Keys and sections
    "unknown key": (
        {"source": SOURCE + 'toppics = ["b"]'.replace("toppics", "§toppics")},
        'source.toppics: unknown key; did you mean "topics"? Keys of [source]: type, brokers, topics,',
    ),
    "unknown key nested": ({"sink": SINK + "cut = { §byte = 1 }"}, 'sink.cut.byte: unknown key; did you mean "bytes"?'),
    "unknown key of a column": (
        {"decode.columns": 'a = { §typ = "string" , type = "string" }'},
        'decode.columns.a.typ: unknown key; did you mean "type"? Keys of [decode.columns.a]: path, type, required',
    ),
    "unknown section": ({"§sinc": ""}, "sinc: unknown section; did you mean [sink]? Sections: pipeline, source,"),
    "missing key": ({"§pipeline": "workers = 1", "pipeline": None}, "pipeline.name: required key is missing"),
    "section as value": (
        {"dead_letter": "§limit = 3"},
        "dead_letter.limit: 3 is not a section; write [dead_letter.limit]",
    ),
    # Types of values
    "string": ({"pipeline": "§name = 3"}, "pipeline.name: 3 is not a string; write it in quotes"),
    "integer": ({"pipeline": NAME + '§workers = "3"'}, 'pipeline.workers: "3" is not an integer'),
    "integer from float": ({"pipeline": NAME + "§workers = 1.5"}, "pipeline.workers: 1.5 is not an integer"),
    "bool": ({"sink": SINK + '§kafka_columns = "yes"'}, 'sink.kafka_columns: "yes" is not true or false'),
    "number": ({"dead_letter": 'limit = { §ratio = "5%" }'}, 'dead_letter.limit.ratio: "5%" is not a number'),
    "list": ({"source": '§brokers = "a:1"\ntopics = ["b"]'}, 'source.brokers: "a:1" is not a list; write ["..."]'),
    "choice": (
        {"source": SOURCE + '§on_gap = "fial"'},
        'source.on_gap: "fial" is not "fail" or "record"; did you mean "fail"?',
    ),
    "too small": ({"decode": "§max_depth = 0"}, "decode.max_depth: 0 is out of range; it must be at least 1"),
    "too large": (
        {"dead_letter": "limit = { §ratio = 2 }"},
        "dead_letter.limit.ratio: 2 is out of range; it must be at most 1",
    ),
    "blank": ({"pipeline": '§name = " "'}, 'pipeline.name: " " is empty'),
    # Units
    "size": (
        {"sink": SINK + 'cut = { §bytes = "128M" }'},
        'sink.cut.bytes: "128M" is not a size; write it like "128MiB"',
    ),
    "size of nothing": (
        {"pipeline": NAME + "§memory_limit = 0"},
        "pipeline.memory_limit: 0 is out of range for a size",
    ),
    "duration": (
        {"sink": SINK + 'cut = { §age = "5 minutes" }'},
        'sink.cut.age: "5 minutes" is not a duration; write it like',
    ),
    "duration without unit": (
        {"pipeline": NAME + "§shutdown_grace = 30"},
        "pipeline.shutdown_grace: 30 is not a duration",
    ),
    "duration of nothing": (
        {"source": SOURCE + '§session_timeout = "0s"'},
        'source.session_timeout: "0s" is out of range',
    ),
    # Source
    "broker": (
        {"source": 'brokers = [§"localhost"]\ntopics = ["b"]'},
        'source.brokers.0: "localhost" is not a broker; write host and port, like "localhost:9092"',
    ),
    "no brokers": ({"source": '§brokers = []\ntopics = ["b"]'}, "source.brokers: empty list; name at least one"),
    "topic": (
        {"source": 'brokers = ["a:1"]\ntopics = ["ok", §"agent *"]'},
        'source.topics.1: "agent *" is not a topic name; for a pattern use topics_regex',
    ),
    "no topics": ({"source": 'brokers = ["a:1"]\n§topics = []'}, "source.topics: empty list; name at least one"),
    "topics left out": ({"source": None, "§source": 'brokers = ["a:1"]'}, "source: needs topics or topics_regex"),
    "topics twice": (
        {"source": SOURCE + '§topics_regex = "a.*"'},
        "source.topics_regex: can't be set together with topics; keep one of them",
    ),
    "regex": (
        {"source": 'brokers = ["a:1"]\n§topics_regex = "a("'},
        'source.topics_regex: "a(" is not a regular expression: missing ), unterminated subpattern at position 1',
    ),
    "start": (
        {"source": SOURCE + '§start = "erliest"'},
        'source.start: "erliest" is not a start; write "earliest", "latest", "group" or a time like "2026-01-31T',
    ),
    "start without zone": (
        {"source": SOURCE + "§start = 2026-01-31T00:00:00"},
        'source.start: "2026-01-31T00:00:00" is not a start',
    ),
    "start never": ({"source": SOURCE + '§start = "2026-02-31T00:00:00Z"'}, "is not a time: day"),
    # Columns
    "column type": (
        {"decode.columns": '§a = "strng"'},
        'decode.columns.a: "strng" is not a column type; did you mean "string"? Types: bool int64',
    ),
    "column type of another system": (
        {"decode.columns": 'a = { §type = "varchar" }'},
        'decode.columns.a.type: "varchar" is not a column type; did you mean "string"?',
    ),
    "column type as number": (
        {"decode.columns": "§a = 5"},
        "decode.columns.a: 5 is not a column type; write one of bool",
    ),
    "column without type": (
        {"decode.columns": '§a = { path = "b" }'},
        "decode.columns.a.type: required key is missing",
    ),
    "decimal range": (
        {"decode.columns": '§a = "decimal(39, 2)"'},
        '"decimal(39, 2)": out of range; write it like "decimal(18, 6)"',
    ),
    "decimal scale": ({"decode.columns": '§a = "decimal(4, 5)"'}, '"decimal(4, 5)": out of range'),
    "decimal parameters": (
        {"decode.columns": '§a = "decimal(4)"'},
        '"decimal(4)": a decimal has a precision and a scale',
    ),
    "timestamp zone": (
        {"decode.columns": '§a = "timestamp[us, Europe/Paris]"'},
        'a timestamp has a unit of s, ms, us or ns and the zone UTC; write it like "timestamp[us, UTC]"',
    ),
    "timestamp without zone": ({"decode.columns": '§a = "timestamp[us]"'}, 'write it like "timestamp[us, UTC]"'),
    "binary encoding": ({"decode.columns": '§a = "binary[base32]"'}, "binary is read from text as base64 or hex"),
    "item type": (
        {"decode.columns": '§a = "list<strng>"'},
        'decode.columns.a: in "list<strng>": "strng" is not a column type; did you mean "string"?',
    ),
    "field type": (
        {"decode.columns": '§a = "struct<b: map<string, timestamp[us]>>"'},
        '"timestamp[us]": a timestamp has a unit of s, ms, us or ns and the zone UTC',
    ),
    "nested type of another system": (
        {"decode.columns": '§a = "array<int64>"'},
        'in "array<int64>": "array" is not a nested type; did you mean "list<"?',
    ),
    "misspelt nested type": ({"decode.columns": '§a = "lst<int64>"'}, 'not a nested type; did you mean "list<"?'),
    "bare list": ({"decode.columns": '§a = "list"'}, '"list" is not a column type; did you mean "list<string>"?'),
    "map key": ({"decode.columns": '§a = "map<int64, string>"'}, "a map has keys of type string"),
    "struct without fields": ({"decode.columns": '§a = "struct<>"'}, 'a field\'s name is missing before ">"; write'),
    "field without type": (
        {"decode.columns": '§a = "struct<b>"'},
        'field "b" has no type; write it like "struct<b: string>"',
    ),
    "field twice": ({"decode.columns": '§a = "struct<b: bool, b: json>"'}, 'field "b" is there twice'),
    "quoted field": ({"decode.columns": "§a = 'struct<\"b: bool>'"}, "is not a JSON string"),
    "unclosed list": ({"decode.columns": '§a = "list<list<bool>"'}, "list<...> is not closed; write a > at the end"),
    "closed twice": ({"decode.columns": '§a = "list<bool>>"'}, '">" follows the type'),
    "too deep": (
        {"decode.columns": f'§a = "{"list<" * 17}bool{">" * 17}"'},
        "more than 16 lists, structs and maps in each other; write json inside",
    ),
    "column path": (
        {"decode.columns": 'a = { §path = "b..c", type = "string" }'},
        'decode.columns.a.path: "b..c" is not a path: a key in it is empty; write "usage.total_tokens"',
    ),
    "no columns": ({"decode.columns": None, "decode.§columns": ""}, "decode.columns: no columns; declare at least one"),
    "column named _residue": (
        {"decode.columns": '§_residue = "string"'},
        "decode.columns._residue: reserved for Penstock",
    ),
    "column named kafka_": (
        {"decode.columns": '§kafka_topic = "string"'},
        "decode.columns.kafka_topic: reserved for Penstock",
    ),
    # Paths
    "home": ({"sink": '§path = "~/events"'}, 'sink.path: "~/events": ~ is not expanded; write the whole path'),
    "no path": ({"sink": '§path = ""'}, 'sink.path: "" is not a path'),
    "path as number": ({"sink": "§path = 1"}, "sink.path: 1 is not a path; write it in quotes"),
    "same path": ({"dead_letter": '§path = "./events/"'}, "dead_letter.path: the same directory as sink.path"),
    "inner path": ({"dead_letter": '§path = "events/dead"'}, "dead_letter.path: nested with sink.path"),
    "outer path": ({"dead_letter": '§path = "."'}, "dead_letter.path: nested with sink.path; every table needs"),
    # Later
    "memory source": (
        {"source": '§type = "memory"'},
        'source.type: "memory" is for penstock.testing; write "kafka" or',
    ),
    "unknown source": (
        {"source": '§type = "flie"\npath = "a"'},
        'source.type: "flie" is not "kafka" or "file"; did you mean "file"?',
    ),
    "source of no type": ({"source": '§type = 3\npath = "a"'}, 'source.type: 3 is not "kafka" or "file"'),
    "file without a path": ({"§source": 'type = "file"', "source": None}, "source.path: required key is missing"),
    "key of another source": (
        {"source": 'type = "file"\npath = "a"\n§topics = ["b"]'},
        "source.topics: unknown key; Keys of [source]: type, path",
    ),
    "misspelt key of files": (
        {"source": 'type = "file"\npath = "a"\n§pth = "b"'},
        'source.pth: unknown key; did you mean "path"? Keys of [source]: type, path',
    ),
    "no files": ({"source": 'type = "file"\n§path = []'}, "source.path: empty list; name at least one file"),
    "stdin and files": (
        {"source": 'type = "file"\n§path = ["-", "a"]'},
        'source.path: "-" is standard input; it can\'t be read together with files',
    ),
    "remote file": (
        {"source": 'type = "file"\n§path = "s3://b/a.ndjson"'},
        "source.path: s3:// locations are not available yet in this version; write a local path",
    ),
    "format": ({"decode": '§format = "otlp_proto"'}, f'decode.format: "otlp_proto" is {LATER}; write "json"'),
    "delta": ({"sink": SINK + '§type = "delta"'}, f'sink.type: "delta" is {LATER}; write "parquet"'),
    "iceberg": ({"sink": SINK + '§type = "iceberg"'}, f'sink.type: "iceberg" is {LATER}'),
    "kafka sink": ({"sink": '§type = "kafka"\nbrokers = ["a:1"]'}, f'sink.type: "kafka" is {LATER}'),
    "blackhole": ({"sink": '§type = "blackhole"'}, f'sink.type: "blackhole" is {LATER}'),
    "object store": (
        {"sink": '§path = "s3://bucket/events"'},
        f"sink.path: s3:// locations are {LATER}; write a local path",
    ),
    "object store of dead letters": (
        {"dead_letter": '§path = "gs://b/e"'},
        f"dead_letter.path: gs:// locations are {LATER}",
    ),
    # Where to listen
    "address": (
        {"telemetry": '§listen = "9464"'},
        'telemetry.listen: "9464" is not an address; write host and port, like "127.0.0.1:9464"',
    ),
    "address as number": ({"telemetry": "§listen = 9464"}, "telemetry.listen: 9464 is not an address; write host"),
    "address without host": (
        {"telemetry": '§listen = ":9464"'},
        'telemetry.listen: ":9464" has no host; write "127.0.0.1:9464", or "0.0.0.0:9464" for other machines',
    ),
    "port": ({"telemetry": '§listen = "localhost:65536"'}, 'telemetry.listen: "localhost:65536" is not an address'),
    # Credentials
    "sasl without password": (
        {"source.§sasl": 'mechanism = "PLAIN"\nuser = "u"'},
        "source.sasl: needs password_env or password_file",
    ),
    "sasl with two passwords": (
        {"source.sasl": 'mechanism = "PLAIN"\nuser = "u"\npassword_env = "HOME"\n§password_file = "secret"'},
        "source.sasl.password_file: can't be set together with password_env",
    ),
    "missing variable": (
        {"source.sasl": 'mechanism = "PLAIN"\nuser = "u"\n§password_env = "NOT_SET_ANYWHERE"'},
        "source.sasl.password_env: environment variable NOT_SET_ANYWHERE is not set; it must hold the password",
    ),
    "missing password file": (
        {"source.sasl": 'mechanism = "PLAIN"\nuser = "u"\n§password_file = "nowhere/secret"'},
        "source.sasl.password_file: can't read nowhere/secret: No such file or directory",
    ),
    "missing certificate": (
        {"source.tls": '§ca = "nowhere/ca.pem"'},
        "source.tls.ca: can't read nowhere/ca.pem: No such file or directory",
    ),
    "certificate without key": (
        {"source.tls": '§cert = "cert.pem"'},
        "source.tls.cert: needs key beside it in [source.tls]",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_named_with_its_place_and_what_to_write(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One mistake gives one line: file, line, column, key, and what to do."""
    changes, message = MISTAKES[name]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "secret").write_text("s")
    (tmp_path / "cert.pem").write_text("-----BEGIN CERTIFICATE-----")
    path, place = write(tmp_path, pipeline_text(changes))
    with pytest.raises(ConfigError) as caught:
        load(path, environment={})
    first, *more = str(caught.value).splitlines()
    assert first.startswith(f"{path}{place}: ")
    assert message in first
    assert more == []
    assert caught.value.exit_code == 78


@pytest.mark.parametrize("section", ["pipeline", "source", "sink"])
def test_a_missing_section_is_named_at_the_top(section: str, tmp_path: Path) -> None:
    """There is no place for what is not there."""
    with pytest.raises(ConfigError, match=rf"toml:1:1: {section}: section \[{section}\] is missing; it needs \w+"):
        load_text(tmp_path, pipeline_text({section: None}))


def test_all_mistakes_of_a_file_come_at_once_in_its_order(tmp_path: Path) -> None:
    """Nobody should have to run it five times."""
    text = pipeline_text(
        {
            "pipeline": 'nam = "x"\nworkers = "3"',
            "source": 'brokers = "a:1"\ntopics = ["b"]\ntopics_regex = "("',
            "decode.columns": 'a = "strng"\nkafka_b = "string"',
            "sink": 'path = "s3://b/c"\ncut = { bytes = "1X", age = 5 }',
            "telemetry": 'listen = "nowhere"',
        }
    )
    with pytest.raises(ConfigError) as caught:
        load_text(tmp_path, text)
    keys = [line.split(": ")[1] for line in str(caught.value).splitlines()]
    assert keys == [
        "pipeline.name",
        "pipeline.nam",
        "pipeline.workers",
        "source.brokers",
        "source.topics_regex",
        "source.topics_regex",
        "decode.columns.a",
        "decode.columns.kafka_b",
        "sink.path",
        "sink.cut.bytes",
        "sink.cut.age",
        "telemetry.listen",
    ]


def test_paths_are_compared_after_links_are_followed(tmp_path: Path) -> None:
    """A link into the table is the table."""
    (tmp_path / "events").mkdir()
    (tmp_path / "link").symlink_to("events")
    text = pipeline_text({"sink": f'path = "{tmp_path}/events"', "dead_letter": f'path = "{tmp_path}/link/dead"'})
    with pytest.raises(ConfigError, match=r"dead_letter\.path: nested with sink\.path"):
        load_text(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[pipeline]\nname = ", r"toml:2:8: not valid TOML: "),
        ('[pipeline]\nname = "a"\nname = "b"', r"toml:3:1: not valid TOML: duplicate key"),
        ("[pipeline\n", r"toml:1:\d+: not valid TOML: "),
        ("[dead_letter]\nlimit = { ratio = nan }", r"toml:2:\d+: not valid TOML: "),
    ],
)
def test_what_is_not_toml_is_refused_at_its_place(text: str, message: str, tmp_path: Path) -> None:
    """The parser's own words, with line and column."""
    with pytest.raises(ConfigError, match=message):
        load_text(tmp_path, text)


def test_a_file_that_can_not_be_read_says_why(tmp_path: Path) -> None:
    """Missing, a directory, not text: three different messages."""
    with pytest.raises(ConfigError, match=r"nothing\.toml: no such file"):
        load(tmp_path / "nothing.toml")
    with pytest.raises(ConfigError, match="is a directory"):
        load(tmp_path)
    with pytest.raises(ConfigError, match=r"pipeline\.toml/x: can't be read: Not a directory"):
        load(write(tmp_path, "")[0] / "x")
    (tmp_path / "latin.toml").write_bytes(b"# a\n# caf\xe9\n")
    with pytest.raises(ConfigError, match=r"latin\.toml:2: not UTF-8"):
        load(tmp_path / "latin.toml")
