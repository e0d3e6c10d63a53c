"""Sessions that end under a reader. aiokafka never logs in again on a connection: the broker closes it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from tests.broker.credentials import PASSWORD, PASSWORD_VARIABLE, client_settings
from tests.broker.raw_reading import RawReader, read_with_librdkafka
from tests.broker.scraping import TELEMETRY, Telemetry

if TYPE_CHECKING:
    from tests.broker.cluster import KafkaCluster
    from tests.broker.daemon import Job
    from tests.broker.producing import Source
    from tests.broker.topics import Topics

_CONNECTIONS = 4
_CONNECTIONS_AT_ONCE = 2
"""To a broker: for fetches and for the group."""

_STEPS = 5000


def _settings(cluster: KafkaCluster, mechanism: str) -> dict[str, Any]:
    return client_settings(cluster.certificates, cluster.bootstrap("EXPIRING"), "EXPIRING", mechanism)


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-512"])
async def test_sessions_end_while_it_is_read(
    kafka_secure: KafkaCluster, topics: Topics, source: Source, monkeypatch: pytest.MonkeyPatch, mechanism: str
) -> None:
    """Over TLS; answers go on arriving over new connections, and rows are librdkafka's."""
    bootstrap, topic = kafka_secure.bootstrap(), topics.create(partitions=2)
    monkeypatch.setenv(PASSWORD_VARIABLE, PASSWORD)
    connections: set[object] = set()
    async with RawReader(bootstrap, topic, settings=_settings(kafka_secure, mechanism)) as reader:
        with source.steadily(topic, 50, partitions=range(2)):
            for _ in range(_STEPS):
                await reader.step()
                connections |= set(reader.source._client._conns.values())
                if len(connections) == _CONNECTIONS:
                    break
            assert len(connections) == _CONNECTIONS
            read = len(reader.rows)
            while len(reader.rows) == read:
                await reader.step()
        expected = await asyncio.to_thread(read_with_librdkafka, bootstrap, topic, {0: 0, 1: 0})
        assert await reader.read_to_end() == expected


def test_sessions_end_under_a_daemon(kafka_secure: KafkaCluster, topics: Topics, job: Job, source: Source) -> None:
    """Also those of the group's connection: it stays a member, and every record is in the table once."""
    topic = topics.create(partitions=2)
    settings = _settings(kafka_secure, "SCRAM-SHA-256")
    job.configure(
        topic, source={**settings, "session_timeout": "6s"}, sink={"cut": {"age": "300ms"}}, telemetry=TELEMETRY
    )
    daemon = job.start(env={PASSWORD_VARIABLE: PASSWORD})
    sockets: set[str] = set()

    def reconnected() -> bool:
        sockets.update(daemon.sockets())
        return len(sockets) >= most

    with source.steadily(topic, 10, partitions=range(2)):
        job.wait_visible(1)
        most = len(daemon.sockets()) + _CONNECTIONS * _CONNECTIONS_AT_ONCE
        daemon.wait_for(reconnected, f"{most} sockets were opened")
    job.wait_visible()
    told = Telemetry(daemon)
    assert told.total("penstock_fetch_fast") == 1
    assert told.total("penstock_rebalances_total") == 1
    assert daemon.terminate() == 0
    job.assert_exact()
