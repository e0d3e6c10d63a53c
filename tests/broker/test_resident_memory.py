"""What the operating system says of the process while its sink is slower than the topic."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING

import pytest
from confluent_kafka import Producer

from tests.broker import slow_sink
from tests.broker.scraping import TELEMETRY, Telemetry

if TYPE_CHECKING:
    from tests.broker.daemon import Job
    from tests.broker.producing import Source
    from tests.broker.topics import Topics

_MEBIBYTE = 2**20
_PARTITIONS = 4
_SINK_BYTES_PER_SECOND = 4 * _MEBIBYTE
_VALUE_BYTES = 8000
_OFFERED_PER_LIMIT = 6

_BESIDE_LIMIT = 64
"""MiB that a working process may need and an idle one does not: threads and their stacks, zstd, metadata of files."""


@pytest.mark.parametrize("limit", [32, 96])
@pytest.mark.parametrize("codec", ["none", "zstd"])
def test_a_slow_sink_leaves_the_process_within_the_limit(
    topics: Topics, job: Job, source: Source, limit: int, codec: str
) -> None:
    """Of an idle process, the limit and a constant, however much is offered."""
    topic = topics.create(partitions=_PARTITIONS)
    job.configure(
        topic,
        pipeline={"memory_limit": f"{limit}MiB"},
        decode={"max_bytes": 2 * _VALUE_BYTES},
        sink={"cut": {"bytes": "16MiB", "age": "2s"}},
        telemetry=TELEMETRY,
    )
    source.produce(topic, 20, partitions=range(_PARTITIONS))
    slow = {slow_sink.VARIABLE: str(_SINK_BYTES_PER_SECOND)}
    daemon = job.start(env=slow, module="tests.broker.slow_sink")
    job.wait_visible()
    idle = daemon.peak_memory_bytes() / _MEBIBYTE
    offered = _OFFERED_PER_LIMIT * limit * _MEBIBYTE
    _flood(job.bootstrap, topic, offered, codec)
    told = Telemetry(daemon)
    told.wait_at_least(offered / _VALUE_BYTES / _OFFERED_PER_LIMIT, "penstock_records_total", stage="commit")
    assert told.total("penstock_records_total", stage="commit") < offered / _VALUE_BYTES
    used = daemon.peak_memory_bytes() / _MEBIBYTE - idle
    assert limit / 4 < used < limit + _BESIDE_LIMIT


def _flood(bootstrap: str, topic: str, size_bytes: int, codec: str) -> None:
    """Values that hardly compress, more than the process can take."""
    producer = Producer(
        {
            "bootstrap.servers": bootstrap,
            "compression.codec": codec,
            "linger.ms": 20,
            "queue.buffering.max.kbytes": 2**16,
        }
    )
    chance = random.Random(1)
    values = [
        json.dumps({"event_id": str(number), "level": chance.randbytes(_VALUE_BYTES // 2).hex()})
        for number in range(2000)
    ]
    for number in range(size_bytes // _VALUE_BYTES):
        while True:
            try:
                producer.produce(topic, values[number % len(values)], partition=number % _PARTITIONS)
                break
            except BufferError:
                producer.poll(0.1)
        producer.poll(0)
    assert producer.flush(60) == 0
