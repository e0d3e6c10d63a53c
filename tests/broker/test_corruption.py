"""Damage in a broker's log: told with its place, and gone on from once it is mended (fault matrix 23 and 26)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.broker.segments import stored_batches

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.broker.cluster import KafkaCluster
    from tests.broker.daemon import Daemon, Job
    from tests.broker.producing import Source
    from tests.broker.topics import Topics

_LEADER_EPOCH_AT = 12
_TO_THE_END = ("--until-end", "--set", 'pipeline.on_fault="continue"')


def _change(kafka: KafkaCluster, segment: Path, position: int, change: Callable[[int], int]) -> None:
    """Change one byte of a partition's file while its broker is down, as a disk might."""
    kafka.nodes[1].stop()
    with segment.open("r+b") as file:
        file.seek(position)
        (byte,) = file.read(1)
        file.seek(position)
        file.write(bytes([change(byte)]))
    kafka.nodes[1].restart()


def _stopped(job: Job, code: int, *texts: str) -> Daemon:
    daemon = job.start(*_TO_THE_END)
    assert daemon.wait_exit() == code, daemon.stderr
    for text in texts:
        assert text in daemon.stderr
    return daemon


@pytest.mark.parametrize("codec", ["none", "zstd"])
def test_a_flipped_bit_stops_its_partition_alone(
    kafka: KafkaCluster, topics: Topics, job: Job, source: Source, codec: str
) -> None:
    """Topic, partition, offset and cause are told; what is before it is committed, and all of the other partition."""
    topic = topics.create(partitions=2, config={"compression.type": "producer" if codec == "none" else codec})
    source.produce(topic, 400, partitions=range(2))
    job.configure(topic)
    segment = kafka.nodes[1].segment(topic, 0)
    offset, position, length, *_ = stored_batches(segment)[3]
    _change(kafka, segment, position + length - 9, lambda byte: byte ^ 0x10)
    daemon = _stopped(job, 69, f"{topic}-0 offset {offset}: ", "checksum", "Corrupt batch.")
    assert daemon.stderr.count("Corrupt batch.") == 2
    job.assert_exact(job.log.where(lambda place: place.partition == 1 or place.offset < offset))
    _change(kafka, segment, position + length - 9, lambda byte: byte ^ 0x10)
    job.run_to_end()
    job.assert_exact()


def test_a_leader_epoch_that_falls_is_an_alarm(kafka: KafkaCluster, topics: Topics, job: Job, source: Source) -> None:
    """The log was truncated, which no second fetch mends: the partition stops at once, with 76."""
    topic = topics.create()
    source.produce(topic, 200)
    job.configure(topic)
    segment = kafka.nodes[1].segment(topic, 0)
    first, second = stored_batches(segment)[:2]
    _change(kafka, segment, first.position + _LEADER_EPOCH_AT + 3, lambda byte: byte + 5)
    daemon = _stopped(job, 76, f"{topic}-0 offset {second.offset}: ", "leader epoch", "truncated")
    assert "Corrupt batch." not in daemon.stderr
    job.assert_exact(job.log.where(lambda place: place.offset < second.offset))
