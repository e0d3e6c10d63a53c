"""Every finding there is: its code, its meaning, and what to do. `docs/lint.md` is made from this file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Code:
    """One kind of finding. An error keeps a pipeline from running, a warning does not. Codes never change meaning."""

    name: str
    severity: Severity
    meaning: str
    remedy: str


_ALL = (
    Code(
        "unreadable_file",
        "error",
        "The file is missing, a directory, not UTF-8 or may not be read.",
        "Give the path of a pipeline file.",
    ),
    Code(
        "invalid_toml",
        "error",
        "The file is not TOML.",
        "Correct the place the message names: a missing quote or bracket, a key that is there twice.",
    ),
    Code(
        "invalid_override",
        "error",
        "A variable `PENSTOCK__...` or a flag `--set` names no key of a section.",
        "Write `PENSTOCK__SECTION__KEY=value` or `--set section.key=value`.",
    ),
    Code(
        "unknown_section",
        "error",
        "There is no such section.",
        "Correct its name; the message lists the sections.",
    ),
    Code(
        "unknown_key",
        "error",
        "The section has no such key.",
        "Correct its name; the message lists the keys. A key of a later version is refused too.",
    ),
    Code(
        "missing_section",
        "error",
        "A section that every pipeline needs is not there.",
        "Add it with the keys that the message names.",
    ),
    Code(
        "missing_key",
        "error",
        "A key is not there, and has no default or is needed by another one.",
        "Add it.",
    ),
    Code(
        "wrong_type",
        "error",
        "The value is of another kind: a string for a number, a value for a section.",
        "Write the value as the message says; strings are in quotes.",
    ),
    Code(
        "invalid_value",
        "error",
        "The value is of the right kind, and none that the key takes.",
        "Write one of those the message names. A file or variable that a key names must be there.",
    ),
    Code(
        "out_of_range",
        "error",
        "The number is too small or too large.",
        "Stay within the bound that the message names.",
    ),
    Code(
        "not_available",
        "error",
        "The key or value is of a later version.",
        "Leave it out or write what the message says.",
    ),
    Code(
        "empty",
        "error",
        "A list or section that must name something is empty.",
        "Name at least one, or leave it out.",
    ),
    Code(
        "exclusive",
        "error",
        "Two keys say the same thing.",
        "Keep one of them.",
    ),
    Code(
        "reserved_column",
        "error",
        "A column has a name that Penstock's own columns have.",
        'Rename it and say where its value is: `my_name = { path = ["kafka_topic"], type = "string" }`.',
    ),
    Code(
        "tables_overlap",
        "error",
        "Two tables are in the same directory or in one another's, also tables of two files that are checked together.",
        "Give every table a directory of its own, beside the others.",
    ),
    Code(
        "password_in_file",
        "error",
        "There is a password, secret or token in the pipeline file.",
        "Take it out, change it if others could read the file, and name a variable in `password_env` or a file in "
        "`password_file`.",
    ),
    Code(
        "invalid_transform",
        "error",
        "A step can't work: an expression that is none, a column that is not declared or that an earlier step "
        "dropped, types that don't fit.",
        "Correct the step; the message names the place in its expression, and the columns there are.",
    ),
    Code(
        "column_named_as_setting",
        "warning",
        "A column has the name of a setting of `[decode]`. TOML gives every key below `[decode.columns]` to it, "
        "also one that was meant for `[decode]`.",
        "Move the setting above `[decode.columns]`, or rename the column.",
    ),
    Code(
        "unredacted_dead_letters",
        "warning",
        "A `redact` step cleans rows, but a rejected record is kept as it came, in the dead letters' column `value`.",
        'Set `dead_letter.raw = "drop"`, or let few people read that table and delete old files of it.',
    ),
    Code(
        "early_cut",
        "warning",
        "`sink.cut.bytes` is more than 70 % of `pipeline.memory_limit`: where several partitions are open, memory "
        "runs short before a file has this size, and files are cut early.",
        "Lower `sink.cut.bytes` or raise `pipeline.memory_limit`.",
    ),
    Code(
        "small_memory_limit",
        "warning",
        "`pipeline.memory_limit` is below 32 MiB: one fetch of a few partitions fills it, so that files are tiny "
        "and partitions paused most of the time.",
        "Raise it; 256 MiB is a good beginning.",
    ),
    Code(
        "large_records",
        "warning",
        "`decode.max_bytes` is not below `pipeline.memory_limit`: a record that is allowed does not fit into memory.",
        "Lower `decode.max_bytes` to what a record can really have; a larger one becomes a dead letter.",
    ),
    Code(
        "small_files",
        "warning",
        "`sink.cut` makes a file every few seconds, or of few rows or bytes. Readers open every one of them.",
        'Use ages of minutes and sizes of `"16MiB"` or more, but in tests.',
    ),
    Code(
        "long_shutdown_grace",
        "warning",
        "`pipeline.shutdown_grace` is 90 seconds or more: systemd kills a service after 90 seconds, Kubernetes "
        "after 30, if they are not told otherwise. Nothing is lost, but what was open is read again.",
        "Set `TimeoutStopSec` or `terminationGracePeriodSeconds` higher than it, or lower it.",
    ),
    Code(
        "short_session_timeout",
        "warning",
        "`source.session_timeout` is below 10 seconds. Brokers refuse less than 6 by default, and a short pause "
        "of the machine counts as a death: partitions move, and what was open is read again.",
        'Leave it at `"45s"`.',
    ),
    Code(
        "long_session_timeout",
        "warning",
        "`source.session_timeout` is over 30 minutes, which brokers refuse by default.",
        'Leave it at `"45s"`; at most raise it to some minutes.',
    ),
    Code(
        "group_not_named",
        "warning",
        '`source.start = "group"` begins at the committed offsets of a group, but `source.group` is not named and '
        "follows `pipeline.name`: a new group has no offsets.",
        "Name the group whose offsets are meant.",
    ),
    Code(
        "shared_instance_id",
        "warning",
        "`source.instance_id` is in the file: two processes with this file have the same one, and the broker "
        "throws the first out when the second joins.",
        "Take it out of the file and give each process its own: `PENSTOCK__SOURCE__INSTANCE_ID`.",
    ),
    Code(
        "internal_topics",
        "warning",
        "`source.topics_regex` matches topics that Kafka and its tools keep for themselves, such as `_schemas`. A "
        "pattern matches names that begin so.",
        'Begin the pattern with letters that your topics have: `"agent-.*"`.',
    ),
    Code(
        "clear_text_password",
        "warning",
        '`source.sasl.mechanism = "PLAIN"` without `[source.tls]`: whoever sees the network reads the password.',
        'Add `[source.tls]`, or use `"SCRAM-SHA-512"`.',
    ),
    Code(
        "undeclared_columns",
        "warning",
        "No columns are declared, and several processes share the topics: which of them comes first decides the "
        "table's columns for good, from the records it happens to see.",
        "Declare `[decode.columns]`; `penstock init --from` writes them from a sample.",
    ),
    Code(
        "open_listen",
        "warning",
        "`telemetry.listen` is an address that other machines reach. Metrics name topics and tables, and nobody "
        "has to log in.",
        'Listen on `"127.0.0.1:9464"`, or see that a firewall or network policy decides who gets there.',
    ),
)

CODES: dict[str, Code] = {code.name: code for code in _ALL}
