"""Raw batches are what librdkafka reads of the same topic, row for row, whatever wrote them."""

from __future__ import annotations

import asyncio
import random
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from confluent_kafka import Producer, TopicPartition

from tests.broker.kafka_libs import JARS
from tests.broker.raw_reading import RawReader, read_with_librdkafka

if TYPE_CHECKING:
    from tests.broker.cluster import KafkaCluster
    from tests.broker.topics import Topics

HEADERS: list[tuple[str, str | bytes | None]] = [("text", "é".encode()), ("none", None), ("bytes", b"\xff\0\xc3")]
PRODUCE = Path(__file__).parent / "java" / "Produce.java"
MEBIBYTE = 1024 * 1024


def value(number: int) -> bytes | None:
    return None if number % 6 == 1 else b"value %d " % number * (number % 50)


def key(number: int) -> bytes | None:
    return None if number % 3 == 0 else b"key%d" % number


def with_librdkafka(
    bootstrap: str, topic: str, count: int, *, partition: int = 0, codec: str = "none", batch: int = 40
) -> None:
    """In small batches, so that a fetch holds many."""
    settings: dict[str, str | int] = {"bootstrap.servers": bootstrap, "batch.num.messages": batch, "log_level": 0}
    producer = Producer(settings | {"compression.codec": codec, "linger.ms": 20})
    for number in range(count):
        producer.produce(topic, value(number), key(number), partition, headers=HEADERS)
    assert producer.flush(60) == 0


async def with_aiokafka(bootstrap: str, topic: str, count: int, *, partition: int, codec: str) -> None:
    """Its producer takes no header without a value."""
    compression = None if codec == "none" else codec
    headers = [header for header in HEADERS if header[1] is not None]
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, compression_type=compression, linger_ms=5) as producer:
        sent = [
            await producer.send(topic, value(n), key(n), partition=partition, headers=headers) for n in range(count)
        ]
        await asyncio.gather(*sent)


@pytest.fixture(scope="module")
def java(kafka: KafkaCluster, tmp_path_factory: pytest.TempPathFactory) -> list[str]:  # noqa: ARG001 (has the jars)
    """The command of Kafka's own producer, compiled once."""
    classes = tmp_path_factory.mktemp("classes")
    compiler = ["java", "-m", "jdk.compiler/com.sun.tools.javac.Main", "-encoding", "UTF-8"]
    jars = ":".join(map(str, JARS.glob("*.jar")))
    subprocess.run([*compiler, "-cp", jars, "-d", str(classes), str(PRODUCE)], check=True)
    return ["java", "-cp", f"{classes}:{JARS}/*", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", PRODUCE.stem]


def with_java(java: list[str], bootstrap: str, topic: str, count: int, *, partition: int, codec: str) -> None:
    """Kafka's own."""
    command = [*java, bootstrap, topic, str(partition), codec, str(count)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("codec", ["none", "gzip", "snappy", "lz4", "zstd"])
async def test_every_producer_and_codec(topics: Topics, java: list[str], codec: str) -> None:
    """Keys, values, timestamps and headers, absent ones and those that are no text among them."""
    bootstrap, topic = topics.cluster.bootstrap(), topics.create(partitions=3)
    await asyncio.to_thread(with_librdkafka, bootstrap, topic, 500, partition=0, codec=codec)
    await with_aiokafka(bootstrap, topic, 500, partition=1, codec=codec)
    await asyncio.to_thread(with_java, java, bootstrap, topic, 500, partition=2, codec=codec)
    expected = await asyncio.to_thread(read_with_librdkafka, bootstrap, topic, dict.fromkeys(range(3), 0))
    assert len(expected) == 1500
    async with RawReader(bootstrap, topic) as reader:
        assert await reader.read_to_end() == expected


async def test_the_brokers_clock(topics: Topics) -> None:
    """The timestamp of a batch is that of all its records."""
    bootstrap, topic = topics.cluster.bootstrap(), topics.create(config={"message.timestamp.type": "LogAppendTime"})
    await asyncio.to_thread(with_librdkafka, bootstrap, topic, 300, codec="lz4")
    expected = await asyncio.to_thread(read_with_librdkafka, bootstrap, topic, {0: 0})
    async with RawReader(bootstrap, topic) as reader:
        assert await reader.read_to_end() == expected


@pytest.mark.parametrize("codec", ["none", "zstd"])
async def test_it_begins_where_it_is_told_to(topics: Topics, codec: str) -> None:
    """Also in the middle of a batch, and behind records that were deleted."""
    bootstrap, topic = topics.cluster.bootstrap(), topics.create()
    await asyncio.to_thread(with_librdkafka, bootstrap, topic, 400, codec=codec)
    for future in topics.admin.delete_records([TopicPartition(topic, 0, 90)]).values():
        await asyncio.to_thread(future.result, 30)
    for start in (90, 100, 139, 399):
        expected = await asyncio.to_thread(read_with_librdkafka, bootstrap, topic, {0: start})
        async with RawReader(bootstrap, topic, starts={0: start}) as reader:
            assert await reader.read_to_end() == expected
            assert min(reader.rows) == (0, start)


async def test_interleaved_transactions(topics: Topics) -> None:
    """What was aborted is in the bytes, with the list that says so; what is open is not."""
    bootstrap, topic = topics.cluster.bootstrap(), topics.create()
    producers = [
        Producer({"bootstrap.servers": bootstrap, "transactional.id": f"{topics.prefix}-{n}", "log_level": 0})
        for n in range(3)
    ]

    def produce() -> None:
        for producer in producers:
            producer.init_transactions(60)
        chance = random.Random(7)
        for turn in range(6):
            for producer in producers[:2]:
                producer.begin_transaction()
            for number in range(200):
                chance.choice(producers[:2]).produce(topic, b"%d/%d" % (turn, number), partition=0)
            for producer in producers[:2]:
                producer.flush(60)
                (producer.abort_transaction if chance.random() < 0.5 else producer.commit_transaction)(60)
        producers[2].begin_transaction()
        producers[2].produce(topic, b"open", partition=0)
        producers[2].flush(60)

    await asyncio.to_thread(produce)
    expected = await asyncio.to_thread(read_with_librdkafka, bootstrap, topic, {0: 0})
    async with RawReader(bootstrap, topic) as reader:
        assert await reader.read_to_end() == expected
    assert 0 < len(expected) < 1200
    await asyncio.to_thread(producers[2].abort_transaction, 60)


async def test_large_messages_come_through_tiny_limits(topics: Topics) -> None:
    """A broker answers with one batch at least; each is received into a frame of its own size."""
    bootstrap = topics.cluster.bootstrap()
    topic = topics.create(config={"max.message.bytes": str(20 * MEBIBYTE)})
    producer = Producer(
        {"bootstrap.servers": bootstrap, "message.max.bytes": 12 * MEBIBYTE, "linger.ms": 0, "log_level": 0}
    )
    for size in (10 * MEBIBYTE, 100, 10 * MEBIBYTE + 1, 70_000):
        producer.produce(topic, random.Random(size).randbytes(size), partition=0)
        await asyncio.to_thread(producer.flush, 60)
    expected = await asyncio.to_thread(read_with_librdkafka, bootstrap, topic, {0: 0})
    async with RawReader(bootstrap, topic, fetch_bytes=1000) as reader:
        assert await reader.read_to_end() == expected
        assert reader.metrics.total("penstock_frames_taken_total") == 3


async def test_what_a_broker_cuts_off_is_fetched_again_and_counted(topics: Topics) -> None:
    """The last batch of a full answer; its memory is used again."""
    bootstrap, topic = topics.cluster.bootstrap(), topics.create()
    await asyncio.to_thread(with_librdkafka, bootstrap, topic, 20_000, batch=300)
    expected = await asyncio.to_thread(read_with_librdkafka, bootstrap, topic, {0: 0})
    async with RawReader(bootstrap, topic, fetch_bytes=200_000) as reader:
        assert await reader.read_to_end() == expected
        assert reader.metrics.total("penstock_discarded_bytes_total") > 0
        taken = reader.metrics.total("penstock_frames_taken_total")
        assert 0 < taken - reader.metrics.total("penstock_frames_reused_total") < taken / 2
        assert reader.source.held_bytes <= 2 * 229_376


async def test_a_broker_that_dies_while_it_is_read(kafka: KafkaCluster, topics: Topics) -> None:
    """Nothing is missing and nothing came twice."""
    bootstrap, topic = topics.cluster.bootstrap(), topics.create()
    await asyncio.to_thread(with_librdkafka, bootstrap, topic, 30_000, batch=100)
    (node,) = kafka.nodes.values()
    async with RawReader(bootstrap, topic, fetch_bytes=100_000) as reader:
        while len(reader.rows) < 5000:
            await reader.step()
        await asyncio.to_thread(node.stop, signal.SIGKILL)
        for _ in range(5):
            await reader.step()
        node.start()
        await asyncio.to_thread(node.wait_ready)
        await asyncio.to_thread(kafka.wait_members, 1)
        assert len(reader.rows) < 30_000
        while len(reader.rows) < 30_000:
            await reader.step()
        assert reader.rows == await asyncio.to_thread(read_with_librdkafka, bootstrap, topic, {0: 0})


async def test_a_consumer_of_records_in_the_same_process_is_as_ever(topics: Topics) -> None:
    """Nothing of aiokafka is replaced for anybody else."""
    bootstrap, topic = topics.cluster.bootstrap(), topics.create()
    await asyncio.to_thread(with_librdkafka, bootstrap, topic, 1000, codec="lz4")
    async with RawReader(bootstrap, topic) as reader:
        other = AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest")
        await other.start()
        records: list[tuple[int, bytes | None]] = []
        while len(records) < 1000 or len(reader.rows) < 1000:
            await reader.step()
            for found in (await other.getmany(timeout_ms=100)).values():
                records += [(record.offset, record.value) for record in found]
        await other.stop()
    assert records == [(offset, row.value) for (_, offset), row in sorted(reader.rows.items())]
