"""The script people write today, with Polars: confluent-kafka, read_ndjson, write_parquet.

It commits no offsets, has no dead letters, and a record that does not fit its schema ends it.

script_polars.py kafka BROKERS TOPIC OUT | file PATH OUT; with TEXT=1 in the environment events have a `content`.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import polars as pl
from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

if TYPE_CHECKING:
    from collections.abc import Iterator

EMAIL = r"[\w.%+-]+@[\w-]+(\.[\w-]+)*\.[A-Za-z]{2,}"
TEXT = {"content": pl.String} if os.environ.get("TEXT") else {}
PLAIN = ("event_id", "level", "service", "agent_id", "session_id", "event", "model", "error")
SCHEMA = {
    **dict.fromkeys((*PLAIN, "user_email", "timestamp"), pl.String),
    "latency_ms": pl.Float64,
    "usage": pl.Struct(dict.fromkeys(("input_tokens", "output_tokens", "total_tokens"), pl.Int64)),
    "tool": pl.Struct({"name": pl.String, "ok": pl.Boolean}),
    **TEXT,
}
COLUMNS = [
    *(pl.col(name) for name in (*PLAIN, "latency_ms")),
    pl.col("timestamp").str.to_datetime("%+", time_unit="ms", time_zone="UTC").alias("at"),
    pl.when(pl.col("user_email").is_not_null()).then(pl.lit("[email]")).alias("user_email"),
    *(pl.col("usage").struct.field(name) for name in ("input_tokens", "output_tokens", "total_tokens")),
    pl.col("tool").struct.field("name").alias("tool"),
    pl.col("tool").struct.field("ok").alias("tool_ok"),
    *(pl.col(name).str.replace_all(EMAIL, "[email]") for name in TEXT),
]
WRITE = {"compression": "zstd", "compression_level": 1, "statistics": True}
PARSED_BYTES, FILE_BYTES = 4 << 20, 64 << 20


def from_kafka(brokers: str, topic: str) -> Iterator[pl.DataFrame]:
    consumer = Consumer({"bootstrap.servers": brokers, "group.id": "script", "enable.partition.eof": True})
    partitions = consumer.list_topics(topic).topics[topic].partitions
    consumer.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for number in partitions])
    left, values, size = len(partitions), [], 0
    while left:
        messages = consumer.consume(1_000, timeout=0.2)
        polled = [message.value() or b"" for message in messages if message.error() is None]
        left -= len(messages) - len(polled)  # The others say that a partition is at its end.
        values += polled
        size += sum(map(len, polled))
        if values and (size > PARSED_BYTES or not left):
            yield pl.read_ndjson(b"\n".join(values), schema=SCHEMA)
            values, size = [], 0


def transform(frame: pl.LazyFrame) -> pl.LazyFrame:
    return frame.filter(pl.col("level") != "debug").select(COLUMNS)


def main(kind: str, *arguments: str) -> None:
    *where, out = arguments
    if kind == "file":
        transform(pl.scan_ndjson(where[0], schema=SCHEMA)).sink_parquet(f"{out}/events.parquet", **WRITE)
        return
    frames, files = [], 0
    for frame in from_kafka(*where):
        frames.append(transform(frame.lazy()).collect())
        if sum(frame.estimated_size() for frame in frames) > FILE_BYTES:
            pl.concat(frames).write_parquet(f"{out}/events-{files}.parquet", **WRITE)
            frames, files = [], files + 1
    if frames:
        pl.concat(frames).write_parquet(f"{out}/events-{files}.parquet", **WRITE)


main(*sys.argv[1:])
