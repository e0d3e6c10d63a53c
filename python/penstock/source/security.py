"""TLS and SASL settings as aiokafka takes them, and a probe that says what is wrong with a connection.

aiokafka reports a refused connection, a wrong password and an untrusted certificate alike, as "Unable to bootstrap".
"""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING, Any

from aiokafka.conn import create_conn
from aiokafka.errors import (
    AuthenticationFailedError,
    AuthenticationMethodNotSupported,
    IllegalSaslStateError,
    KafkaError,
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
)

from penstock.errors import ConfigError, PenstockError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from penstock.config.kafka import KafkaSource as SourceConfig

_PROBE_SECONDS = 10


def connection_settings(source: SourceConfig) -> dict[str, Any]:
    """Keyword arguments for aiokafka's client and connections. Raises `ConfigError` for unusable certificates."""
    settings: dict[str, Any] = {"security_protocol": "PLAINTEXT"}
    if source.tls is not None:
        settings["ssl_context"] = _tls_context(source)
    if source.sasl is not None:
        settings["sasl_mechanism"] = source.sasl.mechanism
        settings["sasl_plain_username"] = source.sasl.user
        settings["sasl_plain_password"] = source.sasl.read_password()
    settings["security_protocol"] = {
        (False, False): "PLAINTEXT",
        (True, False): "SSL",
        (False, True): "SASL_PLAINTEXT",
        (True, True): "SASL_SSL",
    }[source.tls is not None, source.sasl is not None]
    return settings


def _tls_context(source: SourceConfig) -> ssl.SSLContext:
    tls = source.tls
    assert tls is not None  # noqa: S101 - the caller checked
    try:
        context = ssl.create_default_context(cafile=tls.ca)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(f'source.tls.ca: "{tls.ca}" can\'t be used as PEM certificates ({error}).') from error
    if tls.cert is not None:
        try:
            context.load_cert_chain(tls.cert, tls.key)
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(
                f'source.tls.cert: "{tls.cert}" with key "{tls.key}" can\'t be used ({error}). '
                "Both must be PEM files of the same pair."
            ) from error
    return context


async def probe(brokers: Sequence[str], settings: dict[str, Any]) -> None:
    """Return once one of `brokers` took a connection; else raise the most telling error, naming every broker."""
    failures: list[PenstockError] = []
    for broker in brokers:
        failure = await _try(broker, settings)
        if failure is None:
            return
        failures.append(failure)
    for failure in failures:
        if isinstance(failure, ConfigError):
            raise failure
    raise UnavailableError(" ".join(str(failure) for failure in failures))


async def _try(broker: str, settings: dict[str, Any]) -> PenstockError | None:
    host, _, port = broker.rpartition(":")
    try:
        connection = await create_conn(
            host.strip("[]"), int(port), request_timeout_ms=_PROBE_SECONDS * 1000, **settings
        )
    except ssl.SSLCertVerificationError as error:
        return ConfigError(
            f"Broker {broker}: its certificate is not trusted ({error.verify_message}). "
            "Set source.tls.ca to the PEM file of the authority that signed it."
        )
    except ssl.SSLError as error:
        return ConfigError(
            f"Broker {broker}: the TLS handshake failed ({error.reason or error}). "
            "Is this a TLS listener, and does it want a client certificate (source.tls.cert, source.tls.key)?"
        )
    except (UnsupportedSaslMechanismError, AuthenticationMethodNotSupported, IllegalSaslStateError) as error:
        return ConfigError(f"Broker {broker}: refuses source.sasl.mechanism {settings['sasl_mechanism']} ({error}).")
    except (SaslAuthenticationFailed, AuthenticationFailedError):
        return ConfigError(
            f'Broker {broker}: refused user "{settings["sasl_plain_username"]}". '
            "Check source.sasl.user, its password and source.sasl.mechanism."
        )
    except (TimeoutError, KafkaError, OSError) as error:
        return UnavailableError(f"Broker {broker}: {_reason(error, settings['security_protocol'])}")
    connection.close()
    return None


def _reason(error: BaseException, protocol: str) -> str:
    if isinstance(error, asyncio.TimeoutError):
        return f"no answer within {_PROBE_SECONDS} s. Check source.brokers and that its listener speaks {protocol}."
    if isinstance(error, ConnectionRefusedError):
        return "connection refused. Is Kafka running there? Check source.brokers."
    if isinstance(error, OSError):
        return f"can't be reached ({error.strerror or error}). Check source.brokers."
    hint = f"closed the connection. Check that its listener speaks {protocol} (settings source.tls, source.sasl)"
    if "SSL" in protocol:
        # In TLS 1.3 a server that misses the client's certificate says so by closing, after the handshake.
        hint += " and whether it wants a client certificate (source.tls.cert, source.tls.key)"
    return hint + "."
