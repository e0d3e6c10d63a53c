"""The pipeline file of the demo: the same a user would write, with comments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from penstock.config.write import toml_list, toml_string, toml_table
from penstock.demo.events import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

_TEMPLATE = """\
# Agent events from Kafka into a directory of Parquet files.
# Run it with: penstock run {file}
# Relative paths are relative to the directory you start it in.

[pipeline]
name = {name}               # the job; its tables belong to it

[source]
type = "kafka"
brokers = {brokers}
topics = {topics}
start = "earliest"          # used once, when the table is new; afterwards the table itself knows

[decode]
format = "json"             # one JSON object per record; whatever is not becomes a dead letter

# What is not listed here, or does not fit its type, is kept in the column _residue.
[decode.columns]
{columns}

[sink]
type = "parquet"
path = {path}
cut = {{ bytes = "64MiB", age = "1s" }}  # when a file is committed; the default is 128 MiB or 5 minutes

[dead_letter]
path = {dead_letter_path}
limit = {{ ratio = 0.05, run = 1000 }}   # more rejections than this stop the pipeline: then it is wrong, not the data
"""


def pipeline_toml(
    brokers: Iterable[str],
    topic: str,
    path: Path,
    dead_letter_path: Path,
    *,
    name: str = "demo",
    file: Path | None = None,
) -> str:
    """The text of a pipeline file that reads `topic` into the table at `path`; `file` is where it will be."""
    return _TEMPLATE.format(
        name=toml_string(name),
        brokers=toml_list(brokers),
        topics=toml_list([topic]),
        columns="\n".join(f"{column:<13} = {_column(declared)}" for column, declared in COLUMNS.items()),
        path=toml_string(str(path)),
        dead_letter_path=toml_string(str(dead_letter_path)),
        file=file or "pipeline.toml",
    )


def _column(declared: str | Mapping[str, str]) -> str:
    if isinstance(declared, str):
        return toml_string(declared)
    return toml_table({key: toml_string(value) for key, value in declared.items()})
