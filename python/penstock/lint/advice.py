"""Doubts about a configuration that is valid: settings that do not fit each other, the job or what is around it."""

from __future__ import annotations

from datetime import timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING

from penstock.config.decode import Decode
from penstock.config.problem import KeyPath, Problem
from penstock.config.units import duration_text, size_text
from penstock.lint.kafka_advice import about_kafka

if TYPE_CHECKING:
    from collections.abc import Iterator

    from penstock.config import Config
    from penstock.config.layers import Layers

MIB = 2**20
EARLY_CUT_AT = 0.7
"""As `penstock.pipeline`, which a static check does not import."""

SYSTEMD_STOP = timedelta(seconds=90)
MEMORY_LIMIT: KeyPath = ("pipeline", "memory_limit")
CUT_BYTES: KeyPath = ("sink", "cut", "bytes")
RAW: KeyPath = ("dead_letter", "raw")
LEAST_MEMORY = 32 * MIB
SHORTEST_AGE = timedelta(seconds=10)
FEWEST_ROWS = 1000
SMALLEST_FILE = MIB


def advise(config: Config, layers: Layers) -> Iterator[Problem]:
    """A problem for every doubt; its code is that of a warning."""
    yield from _columns(config)
    yield from _redaction(config, layers)
    yield from _memory(config, layers)
    yield from _cut(config)
    yield from _ending(config)
    yield from about_kafka(config, layers)
    yield from _listen(config)


def _columns(config: Config) -> Iterator[Problem]:
    for name in config.decode.columns:
        if name in Decode.model_fields:
            yield Problem(
                ("decode", "columns", name),
                f'a column with the name of the setting "{name}" of [decode]',
                code="column_named_as_setting",
                hint=f"if the setting is meant, move it above [decode.columns]; else rename the column, like "
                f'my_{name} = {{ path = ["{name}"], type = "..." }}',
            )


def _redaction(config: Config, layers: Layers) -> Iterator[Problem]:
    redacting = next((number for number, step in enumerate(config.transform) if step.type == "redact"), None)
    if redacting is not None and config.dead_letter.raw == "keep":
        yield Problem(
            RAW if layers.says(RAW) else ("transform", redacting),
            'a rejected record is not redacted, and dead letters keep it as it came: raw = "keep"',
            code="unredacted_dead_letters",
            hint='set dead_letter.raw = "drop", or let few people read that table',
        )


def _memory(config: Config, layers: Layers) -> Iterator[Problem]:
    limit, cut, record = config.pipeline.memory_limit, config.sink.cut.bytes, config.decode.max_bytes
    if limit < LEAST_MEMORY:
        yield Problem(
            MEMORY_LIMIT,
            f"{size_text(limit)} is less than {size_text(LEAST_MEMORY)}, too little to work with",
            code="small_memory_limit",
            hint='raise it; "256MiB" is a good beginning',
        )
    if cut > limit * EARLY_CUT_AT:
        written = layers.says(CUT_BYTES)
        yield Problem(
            CUT_BYTES if written else MEMORY_LIMIT,
            f"{size_text(cut)} is more than 70 % of pipeline.memory_limit ({size_text(limit)}); "
            "with several partitions files are cut before they have this size"
            if written
            else f"sink.cut.bytes, {size_text(cut)} by default, is more than 70 % of {size_text(limit)}; "
            "with several partitions files are cut before they have that size",
            code="early_cut",
            hint=f"set sink.cut.bytes to at most {size_text(max(int(limit * EARLY_CUT_AT) // MIB, 1) * MIB)}, "
            "or raise pipeline.memory_limit",
        )
    if record >= limit and layers.says(("decode", "max_bytes")):
        yield Problem(
            ("decode", "max_bytes"),
            f"{size_text(record)} is not less than pipeline.memory_limit ({size_text(limit)}); "
            "a record that large does not fit into memory",
            code="large_records",
            hint="lower it to what a record can really have; a larger one becomes a dead letter",
        )


def _cut(config: Config) -> Iterator[Problem]:
    cut = config.sink.cut
    if cut.age < SHORTEST_AGE:
        yield _small_files("age", f'an age of {duration_text(cut.age)} makes many small files; "5m" is the default')
    if cut.rows is not None and cut.rows < FEWEST_ROWS:
        yield _small_files("rows", f"{cut.rows} rows make many small files; without rows, bytes and age decide")
    if cut.bytes < SMALLEST_FILE:
        yield _small_files("bytes", f'{size_text(cut.bytes)} make many small files; "128MiB" is the default')


def _small_files(key: str, message: str) -> Problem:
    return Problem(("sink", "cut", key), message, code="small_files")


def _ending(config: Config) -> Iterator[Problem]:
    grace = config.pipeline.shutdown_grace
    if grace >= SYSTEMD_STOP:
        yield Problem(
            ("pipeline", "shutdown_grace"),
            f"{duration_text(grace)} is longer than systemd (90s) and Kubernetes (30s) wait by default",
            code="long_shutdown_grace",
            hint="set TimeoutStopSec or terminationGracePeriodSeconds higher than it, or lower it",
        )


def _listen(config: Config) -> Iterator[Problem]:
    address = config.telemetry.listen
    if address is not None and not _is_loopback(address.host):
        yield Problem(
            ("telemetry", "listen"),
            f"{address} can be reached from other machines, without a login",
            code="open_listen",
            hint=f'write "127.0.0.1:{address.port}", or see that a firewall or network policy decides who gets there',
        )


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
