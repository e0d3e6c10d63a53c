"""Brokers for every test that needs one: started when first asked for, shared by the run."""

from __future__ import annotations

import os
import re
import uuid
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.broker.cluster import KafkaCluster
    from tests.broker.daemon import Job
    from tests.broker.producing import Source
    from tests.broker.topics import Topics


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs a broker by what it asks for."""
    for item in items:
        if {"kafka", "kafka_secure", "kafka_three"} & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.broker)


def _cluster(nodes: int, *, secure: bool) -> Iterator[KafkaCluster]:
    from tests.broker.cluster import KafkaCluster  # noqa: PLC0415 (unit tests need no Kafka client)
    from tests.broker.kafka_libs import KafkaUnavailableError  # noqa: PLC0415

    cluster = KafkaCluster(nodes, secure=secure)
    try:
        cluster.__enter__()
    except KafkaUnavailableError as missing:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(missing))
    try:
        yield cluster
    finally:
        cluster.close()


@pytest.fixture(scope="session")
def kafka() -> Iterator[KafkaCluster]:
    """One broker, plain text, for the whole run."""
    yield from _cluster(1, secure=False)


@pytest.fixture(scope="session")
def kafka_secure() -> Iterator[KafkaCluster]:
    """One broker with TLS and SASL listeners beside the plain one."""
    yield from _cluster(1, secure=True)


@pytest.fixture(scope="module")
def kafka_three() -> Iterator[KafkaCluster]:
    """Three brokers, topics can have three replicas; stopped after the module."""
    yield from _cluster(3, secure=False)


@pytest.fixture
def prefix(request: pytest.FixtureRequest) -> str:
    """A name no other test uses, for topics, groups and jobs."""
    name = re.sub(r"[^a-z0-9]+", "-", request.node.name.removeprefix("test_").lower())
    return f"{name[:40].strip('-')}-{uuid.uuid4().hex[:6]}"


@pytest.fixture
def topics(request: pytest.FixtureRequest, prefix: str) -> Topics:
    """Makes topics for this test on the cluster it uses."""
    from tests.broker.topics import Topics  # noqa: PLC0415 (unit tests need no Kafka client)

    asked = [name for name in ("kafka_secure", "kafka_three") if name in request.fixturenames]
    return Topics(request.getfixturevalue(asked[0] if asked else "kafka"), prefix)


@pytest.fixture
def job(topics: Topics, prefix: str, tmp_path: Path) -> Iterator[Job]:
    """A pipeline with its own table, group and source log, on the cluster this test uses; nothing runs on after it."""
    from tests.broker.daemon import Job  # noqa: PLC0415 (unit tests need no Kafka client)

    job = Job(prefix, tmp_path, topics.cluster.bootstrap())
    yield job
    job.close()
    print(job.report())  # noqa: T201 (pytest shows it when the test fails)


@pytest.fixture
def source(job: Job) -> Source:
    """Produces for `job` and records in its log."""
    from tests.broker.producing import Source  # noqa: PLC0415 (unit tests need no Kafka client)

    return Source(job.bootstrap, job.log)
