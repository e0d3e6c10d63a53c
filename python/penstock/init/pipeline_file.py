"""The text of a first pipeline file. It has a comment wherever a reader may ask."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from penstock.config.decode import Decode
from penstock.config.write import toml_column, toml_key, toml_list, toml_string

if TYPE_CHECKING:
    from collections.abc import Iterator

    from penstock._native import Inferred

COMMENTS_AT = 36
WIDEST_KEY = 40
WIDEST = 80
"""Longer lines have their comment two spaces behind."""

_TEMPLATE = """\
# {title}
#
#   penstock lint {file}
#   penstock explain {file}
#   penstock run {file} --dry-run{until_end} --max-records 10
#   penstock run {file}
#
# The dry run prints rows and writes nothing. Relative paths are relative to the directory you start it in. Any key can
# be set from outside: PENSTOCK__SINK__PATH=/data/events, or --set sink.cut.age=30s. Sizes are written like "128MiB",
# durations like "1h30m".

[pipeline]
{pipeline}

[source]
{source}

[decode]
{decode}

# Inferred from {records:,} records of {sample}. Write name = "type", or name = {{ path, type, required }}. A value that
# does not fit its type, and every key that is not listed, is kept in the column _residue. A comment says in how many
# records the value is there, and why it has this type.
[decode.columns]
{columns}

# Steps between a record and its row, in their order: "filter", "select", "redact".
# [[transform]]
# type = "filter"
# where = "level <> 'debug'"

[sink]
{sink}

[dead_letter]
{dead_letter}
"""


@dataclass(frozen=True, slots=True)
class FileOrigin:
    """Records come from this file."""

    path: str


@dataclass(frozen=True, slots=True)
class TopicOrigin:
    """Records come from this topic."""

    brokers: tuple[str, ...]
    topic: str


def pipeline_text(file: str, name: str, origin: FileOrigin | TopicOrigin, sample: str, inferred: Inferred) -> str:
    """A file that `lint` finds nothing in. `file` is where it will be, `sample` what the columns were inferred from."""
    kafka = isinstance(origin, TopicOrigin)
    table = f"./{name}-table"
    what = f"the topic {origin.topic}" if isinstance(origin, TopicOrigin) else _comment(sample)
    return _TEMPLATE.format(
        title=f"Events from {what} into a directory of Parquet files.",
        file=_comment(shlex.quote(file)),
        until_end=" --until-end" if kafka else "",
        pipeline=_lines(
            ("name", toml_string(name), "the job; the tables it writes belong to it"),
            ("# memory_limit", '"512MiB"', "decoded columns and open files together"),
        ),
        source="\n".join(_source(origin)),
        decode=_lines(
            ("format", '"json"', "one JSON object per record; whatever is not becomes a dead letter"),
            ("# max_bytes", '"16MiB"', "a larger record becomes a dead letter"),
        ),
        records=inferred.records,
        sample=_comment(sample),
        columns="\n".join(_columns(inferred)),
        sink=_lines(
            ("type", '"parquet"', ""),
            ("path", toml_string(table), "a directory of its own"),
            ("cut", '{ bytes = "128MiB", age = "5m" }', "a file is committed at this size or age"),
        ),
        dead_letter=_lines(
            ("path", toml_string(f"{table}-dead"), "records that can't be decoded, with place and reason"),
            ("limit", "{ ratio = 0.05, run = 1000 }", "more than this stop the pipeline: then it is wrong"),
            ("# raw", '"drop"', "keeps only why and where a record was rejected"),
        ),
    )


def _comment(text: str) -> str:
    """A path on one line, whatever is in it."""
    return text if text.isprintable() else toml_string(text)


def _source(origin: FileOrigin | TopicOrigin) -> Iterator[str]:
    kafka = [
        ("type", '"kafka"', ""),
        ("brokers", toml_list(["localhost:9092"]), ""),
        ("topics", toml_list(["agent-events"]), 'or topics_regex = "agent-.*"'),
        ("start", '"earliest"', 'or "latest", "group", a time; used once, when the table is new'),
    ]
    if isinstance(origin, TopicOrigin):
        kafka[1] = ("brokers", toml_list(origin.brokers), "")
        kafka[2] = ("topics", toml_list([origin.topic]), 'or topics_regex = "agent-.*"')
        yield _lines(*kafka)
        yield "\n# [source.tls]                     # present: encrypted; ca, cert and key are paths"
        yield "# [source.sasl]                    # mechanism, user, and password_env or password_file"
        return
    yield _lines(
        ("type", '"file"', "one JSON object per line"),
        ("path", toml_string(origin.path), 'or a list; patterns too, like "logs/**/*.ndjson.gz"'),
    )
    yield "# From Kafka instead:"
    yield _lines(*((f"# {key}", value, comment) for key, value, comment in kafka))


def _columns(inferred: Inferred) -> Iterator[str]:
    names = {column.name for column in inferred.columns}
    lines = []
    for column in inferred.columns:
        name = column.name
        if name in Decode.model_fields:  # As a column it would look like a setting in the wrong place.
            name = _distinct(f"{name}_value", names)
        share = "all" if column.present >= inferred.records else f"{100 * column.present / inferred.records:.3g} %"
        lines.append((toml_key(name), toml_column(name, column.path, column.type), f"in {share}; {column.reason}"))
    keys = min(max(len(key) for key, _, _ in lines), WIDEST_KEY)
    width = min(max(keys + len(f" = {value}") for _, value, _ in lines), WIDEST)
    return (_line(f"{key:<{keys}}", value, comment, width) for key, value, comment in lines)


def _distinct(name: str, names: set[str]) -> str:
    while name in names:
        name += "_"
    names.add(name)
    return name


def _lines(*rows: tuple[str, str, str]) -> str:
    return "\n".join(_line(key, value, comment, COMMENTS_AT) for key, value, comment in rows)


def _line(key: str, value: str, comment: str, width: int) -> str:
    line = f"{key} = {value}"
    return f"{line:<{width}}  # {comment}" if comment else line
