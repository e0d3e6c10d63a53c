"""TLS and SASL against a real broker: what works, and what is said when it does not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.broker.credentials import PASSWORD, PASSWORD_VARIABLE, USER, client_settings

if TYPE_CHECKING:
    from tests.broker.cluster import KafkaCluster
    from tests.broker.daemon import Job
    from tests.broker.producing import Source
    from tests.broker.topics import Topics


def _settings(cluster: KafkaCluster, listener: str, mechanism: str) -> dict[str, Any]:
    return client_settings(cluster.certificates, cluster.bootstrap(listener), listener, mechanism)


@pytest.mark.parametrize(
    ("listener", "mechanism"),
    [
        ("SSL", ""),
        ("SASL_SSL", "PLAIN"),
        ("SASL_SSL", "SCRAM-SHA-512"),
        ("SASL_PLAINTEXT", "SCRAM-SHA-256"),
        ("SASL_PLAINTEXT", "PLAIN"),
    ],
)
def test_secured_listener_is_read(
    kafka_secure: KafkaCluster, topics: Topics, job: Job, source: Source, *, listener: str, mechanism: str
) -> None:
    """Every kind of listener and mechanism delivers."""
    topic = topics.create(partitions=2)
    source.produce(topic, 50, partitions=range(2))
    job.configure(topic, source=_settings(kafka_secure, listener, mechanism))
    job.run_to_end(env={PASSWORD_VARIABLE: PASSWORD})
    job.assert_exact()


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-512"])
def test_wrong_password_ends_with_78(kafka_secure: KafkaCluster, topics: Topics, job: Job, mechanism: str) -> None:
    """The user is named, the password is not."""
    job.configure(topics.create(), source=_settings(kafka_secure, "SASL_SSL", mechanism))
    daemon = job.start(env={PASSWORD_VARIABLE: "not-" + PASSWORD})
    assert daemon.wait_exit() == 78
    assert USER in daemon.stderr
    assert PASSWORD not in daemon.stderr + daemon.stdout


def test_untrusted_broker_certificate_ends_with_78(kafka_secure: KafkaCluster, topics: Topics, job: Job) -> None:
    """A broker signed by another authority is not talked to, and `source.tls.ca` is named."""
    settings = _settings(kafka_secure, "SASL_SSL", "PLAIN")
    settings["tls"] = {"ca": str(kafka_secure.certificates.stranger)}
    job.configure(topics.create(), source=settings)
    daemon = job.start(env={PASSWORD_VARIABLE: PASSWORD})
    assert daemon.wait_exit() == 78
    assert "source.tls.ca" in daemon.stderr


def test_missing_client_certificate_is_explained(kafka_secure: KafkaCluster, topics: Topics, job: Job) -> None:
    """A listener that wants a client certificate, and gets none, is not a riddle."""
    settings = _settings(kafka_secure, "SSL", "")
    settings["tls"] = {"ca": str(kafka_secure.certificates.authority)}
    job.configure(topics.create(), source=settings)
    daemon = job.start()
    assert daemon.wait_exit() in {69, 78}
    assert "source.tls.cert" in daemon.stderr


def test_plain_text_to_a_secured_listener_is_explained(kafka_secure: KafkaCluster, topics: Topics, job: Job) -> None:
    """Without [source.tls] a TLS listener ends the start, with the setting named."""
    settings = _settings(kafka_secure, "SASL_SSL", "")
    del settings["tls"]
    job.configure(topics.create(), source=settings)
    daemon = job.start()
    assert daemon.wait_exit() in {69, 78}
    assert "source.tls" in daemon.stderr
