"""Doubts about `[source]` of type kafka."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

from penstock.config.kafka import KafkaSource
from penstock.config.problem import KeyPath, Problem
from penstock.config.units import duration_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from penstock.config import Config
    from penstock.config.layers import Layers

SHORTEST_SESSION = timedelta(seconds=10)
LONGEST_SESSION = timedelta(minutes=30)
INTERNAL_TOPICS = ("__consumer_offsets", "__transaction_state", "_schemas")
INSTANCE_ID: KeyPath = ("source", "instance_id")
GROUP: KeyPath = ("source", "group")


def about_kafka(config: Config, layers: Layers) -> Iterator[Problem]:
    """A problem for every doubt; none about other sources."""
    if isinstance(config.source, KafkaSource):
        yield from _session(config.source)
        yield from _members(config.source, layers, declared=bool(config.decode.columns))
        yield from _topics(config.source)
        yield from _password(config.source)


def _session(source: KafkaSource) -> Iterator[Problem]:
    timeout, path = source.session_timeout, ("source", "session_timeout")
    if timeout < SHORTEST_SESSION:
        message = f"{duration_text(timeout)} is short: a pause of the machine counts as a death"
        hint = 'brokers refuse less than 6s by default; "45s" is the default here'
        yield Problem(path, message, code="short_session_timeout", hint=hint)
    if timeout > LONGEST_SESSION:
        message = f"{duration_text(timeout)} is more than the 30 minutes that brokers accept by default"
        yield Problem(path, message, code="long_session_timeout")


def _members(source: KafkaSource, layers: Layers, *, declared: bool) -> Iterator[Problem]:
    if source.start == "group" and not layers.says(GROUP):
        yield Problem(
            ("source", "start"),
            f'"group" begins at the committed offsets of a group, and none is named; "{source.group}" is our own',
            code="group_not_named",
            hint="name the group whose offsets are meant in source.group",
        )
    if source.instance_id is not None and layers.origin(INSTANCE_ID) is None:
        yield Problem(
            INSTANCE_ID,
            "two processes with this file would have the same id, and one throws the other out of the group",
            code="shared_instance_id",
            hint="give each process its own: PENSTOCK__SOURCE__INSTANCE_ID",
        )
    shared = next((path for path in (GROUP, INSTANCE_ID) if layers.says(path)), None)
    if shared is not None and not declared:
        yield Problem(
            shared,
            "several processes may share the topics, and no columns are declared: the first one decides the table's "
            "columns for good",
            code="undeclared_columns",
            hint="declare [decode.columns]; `penstock init --from` writes them from a sample",
        )


def _topics(source: KafkaSource) -> Iterator[Problem]:
    pattern = source.topics_regex
    caught = next((name for name in INTERNAL_TOPICS if pattern is not None and re.match(pattern, name)), None)
    if caught is not None:
        yield Problem(
            ("source", "topics_regex"),
            f'matches internal topics too, such as "{caught}"',
            code="internal_topics",
            hint='a pattern matches names that begin so; begin it with letters, like "agent-.*"',
        )


def _password(source: KafkaSource) -> Iterator[Problem]:
    if source.sasl is not None and source.sasl.mechanism == "PLAIN" and source.tls is None:
        yield Problem(
            ("source", "sasl", "mechanism"),
            '"PLAIN" without [source.tls] sends the password in clear text',
            code="clear_text_password",
            hint='add [source.tls], or use "SCRAM-SHA-512"',
        )
