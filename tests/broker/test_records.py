"""What Kafka can put into a partition, and what the table must have of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from confluent_kafka import Consumer, TopicPartition

from tests.broker.process import wait_until
from tests.broker.producing import Source
from tests.broker.records import ABORTED, ROW, TOMBSTONE, records
from tests.broker.source_log import Position

if TYPE_CHECKING:
    from tests.broker.daemon import Job
    from tests.broker.topics import Topics


def test_every_codec_arrives(topics: Topics, job: Job) -> None:
    """Several topics of several partitions, each in another codec: rows and dead letters are those produced."""
    names = []
    for codec in ("none", "gzip", "snappy", "lz4", "zstd"):
        names.append(topics.create(codec, partitions=3))
        Source(job.bootstrap, job.log, settings={"compression.codec": codec}).produce(
            names[-1], 200, partitions=range(3)
        )
    job.configure(*names)
    summary = job.run_to_end()
    job.assert_exact()
    assert summary["records"] == len(job.log.entries)
    assert summary["rows"] == job.log.count(ROW)
    assert summary["tombstones"] == job.log.count(TOMBSTONE)
    assert summary["records"] == summary["rows"] + summary["dead_letters"] + summary["tombstones"]


def test_log_append_time_is_the_timestamp(topics: Topics, job: Job, source: Source) -> None:
    """Where the broker stamps records, its stamp is in `kafka_timestamp`, the same for a whole batch."""
    topic = topics.create(config={"message.timestamp.type": "LogAppendTime"})
    source.produce(topic, 200)
    consumer = _reader(job.bootstrap, topic)
    for position, stamp in _read_back(consumer, topic, 200):
        job.log.timestamps[position] = stamp
    job.configure(topic)
    job.run_to_end()
    job.assert_exact()


def test_committed_transactions_only(topics: Topics, job: Job) -> None:
    """Aborted records, interleaved with others' and alone in their partition, are in no table."""
    topic = topics.create(partitions=2)
    plain = Source(job.bootstrap, job.log)
    first, second = (_transactional(job, f"{topics.prefix}-{n}") for n in range(2))
    for abort in (True, False, True):
        with first.transaction(abort=abort) as mine, second.transaction(abort=not abort) as other:
            for part in range(3):
                mine.extend(first.produce(topic, 20 + part))
                other.extend(second.produce(topic, 30 + part))
                plain.produce(topic, 5)
    with first.transaction(abort=True) as mine:
        mine.extend(first.produce(topic, 40, partitions=[1]))
    job.configure(topic)
    job.run_to_end()
    assert job.log.count(ABORTED) > 0
    job.assert_exact()


def test_open_transaction_holds_back_what_follows(topics: Topics, job: Job, source: Source) -> None:
    """Nothing behind an open transaction is visible; all of it is when the transaction commits."""
    topic = topics.create()
    before = source.produce(topic, 50)
    transactional = _transactional(job, topics.prefix)
    with transactional.transaction() as positions:
        positions.extend(transactional.produce(topic, 20))
        after = source.produce(topic, 60)
        job.configure(topic)
        job.run_to_end()
        held = {*positions, *after}
        job.assert_exact(job.log.where(lambda position: position not in held))
        assert before
    job.run_to_end()
    job.assert_exact()


def test_holes_of_compaction_are_no_loss(topics: Topics, job: Job, source: Source) -> None:
    """In a compacted topic the surviving records arrive, holes and lone transaction markers are passed over."""
    topic = topics.create(
        config={
            "cleanup.policy": "compact",
            "min.cleanable.dirty.ratio": "0.001",
            "segment.ms": "100",
            "max.compaction.lag.ms": "200",
            "delete.retention.ms": "100",
        }
    )
    transactional = _transactional(job, topics.prefix)
    for _ in range(4):
        with transactional.transaction(abort=True) as positions:
            positions.extend(_keyed(transactional, topic, 30))
        _keyed(source, topic, 40)
    produced = len(job.log.entries)
    survivors: set[Position] = set()

    def compacted() -> bool:
        survivors.clear()
        _keyed(source, topic, 1)  # Only a new record closes the segment that is to be cleaned.
        end = topics.end(topic, 0)
        survivors.update(position for position, _ in _read_back(_reader(job.bootstrap, topic), topic, end))
        return len(survivors) < produced // 2

    wait_until(compacted, seconds=60, what="the topic is compacted")
    job.configure(topic)
    job.run_to_end()
    # The cleaner may have gone on meanwhile: what is missing must be missing in Kafka too.
    now = {position for position, _ in _read_back(_reader(job.bootstrap, topic), topic, topics.end(topic, 0))}
    found = job.compare()
    assert not set(found.lost) & now
    assert not found.duplicated
    assert not found.wrong_value
    assert not found.wrong_verdict
    assert not found.unexpected
    assert found.rows + found.dead_letters < produced


def _transactional(job: Job, identity: str) -> Source:
    source = Source(job.bootstrap, job.log, settings={"transactional.id": identity})
    source.producer.init_transactions(30)
    return source


def _keyed(source: Source, topic: str, count: int) -> list[Position]:
    """The same `count` keys each time."""
    positions: list[Position] = []
    for record in records(count, seed=7):
        source.send(topic, 0, record, positions)
    source.flush()
    return positions


def _reader(bootstrap: str, topic: str) -> Consumer:
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "reader", "enable.partition.eof": True})
    consumer.assign([TopicPartition(topic, 0, 0)])
    return consumer


def _read_back(consumer: Consumer, topic: str, end: int) -> list[tuple[Position, int]]:
    """What an independent client reads, with timestamps."""
    found: list[tuple[Position, int]] = []
    reached = False

    def read() -> bool:
        nonlocal reached
        for message in consumer.consume(1000, 0.2):
            if message.error() is not None:
                reached = True
            elif (offset := message.offset()) is not None:
                found.append((Position(topic, 0, offset), message.timestamp()[1]))
        return reached

    wait_until(read, seconds=30, what=f"a reader reaches {end} of {topic}")
    consumer.close()
    return found
