"""Write the lines of stdin to a Kafka topic, one record each: python examples/produce.py TOPIC < FILE.

Lines go to the topic's partitions in turn, as they are: what is not JSON too. Needs `pip install confluent-kafka`.
KAFKA_BROKERS names the brokers, localhost:9092 if it is not set.
"""

from __future__ import annotations

import os
import sys

from confluent_kafka import KafkaException, Producer


def main(topic: str) -> None:
    """Send everything, wait until the brokers have it; exits with a message if they do not take it."""
    brokers = os.environ.get("KAFKA_BROKERS", "localhost:9092")
    refused: list[str] = []
    producer = Producer({"bootstrap.servers": brokers, "message.timeout.ms": 10_000, "log_level": 2})
    try:
        partitions = len(producer.list_topics(topic, timeout=10).topics[topic].partitions)
        if not partitions:
            sys.exit(f"error: there is no topic {topic} on {brokers}; create it")
        for number, line in enumerate(sys.stdin.buffer):
            producer.produce(
                topic,
                line.rstrip(b"\r\n"),
                partition=number % partitions,
                on_delivery=lambda error, _message: refused.append(error.str()) if error else None,
            )
            producer.poll(0)
    except KafkaException as error:
        sys.exit(f"error: can't write to topic {topic} on {brokers}: {error}")
    producer.flush()
    if refused:
        sys.exit(f"error: {brokers} refused {len(refused)} records of topic {topic}: {refused[0]}")


if __name__ == "__main__":
    if len(sys.argv) != 2:  # noqa: PLR2004 - the program and the topic
        sys.exit(__doc__)
    main(sys.argv[1])
