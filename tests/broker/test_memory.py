"""A sink that is slower than the topic: what is held stays within `memory_limit`."""

from __future__ import annotations

import json
import random
import time
from typing import TYPE_CHECKING

import pytest

from penstock.config import load
from penstock.daemon.job import Job as PipelineJob
from penstock.daemon.run import RunOptions
from penstock.sink.local import LocalFile
from tests.broker.producing import Source
from tests.broker.records import ROW, Record

if TYPE_CHECKING:
    from typing_extensions import Buffer

    from tests.broker.daemon import Job
    from tests.broker.topics import Topics

_MEBIBYTE = 2**20
_SINK_BYTES_PER_SECOND = 2 * _MEBIBYTE
_NEVER = {"bytes": "1GiB", "age": "1h"}
_OFTEN = {"bytes": "4MiB", "age": "1s"}


@pytest.mark.parametrize(
    ("mode", "codec", "cut", "limit"),
    [
        ("auto", "none", _NEVER, 32),
        ("auto", "none", _OFTEN, 16),
        ("auto", "zstd", _NEVER, 16),
        ("records", "none", _NEVER, 32),
    ],
    ids=["frames-cut-never", "frames-cut-often", "compressed-frames", "records"],
)
async def test_slow_sink_keeps_what_is_held_under_the_limit(  # noqa: PLR0917
    monkeypatch: pytest.MonkeyPatch, topics: Topics, job: Job, mode: str, codec: str, cut: dict[str, str], limit: int
) -> None:
    """Of frames and files: over the share the largest file is cut early, then partitions are paused."""
    topic = topics.create(partitions=4)
    source = Source(job.bootstrap, job.log, settings={"compression.codec": codec, "batch.num.messages": 500})
    for number in range(24_000):
        source.send(topic, number % 4, _incompressible(number), [])
    source.flush()
    file = job.configure(
        topic, pipeline={"memory_limit": f"{limit}MiB"}, source={"fetch_mode": mode}, sink={"cut": cut}
    )
    write = LocalFile.write

    def slow_write(self: LocalFile, data: Buffer) -> None:
        write(self, data)
        time.sleep(len(memoryview(data)) / _SINK_BYTES_PER_SECOND)

    monkeypatch.setattr(LocalFile, "write", slow_write)
    running = PipelineJob(load(file, []), RunOptions(until_end=True))
    totals = await running.run()
    assert totals.bytes_in > limit * _MEBIBYTE
    assert running._pipeline is not None
    assert limit / 8 < running._pipeline.peak_memory_bytes / _MEBIBYTE <= limit
    job.assert_exact()


def _incompressible(number: int) -> Record:
    key = f"pad/{number}".encode()
    columns = {"event_id": key.decode(), "level": random.Random(number).randbytes(800).hex(), "tokens": number}
    return Record(key, json.dumps(columns).encode(), ROW, ROW, columns | {"_residue": None})
