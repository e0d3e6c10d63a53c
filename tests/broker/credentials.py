"""Certificates and users of the secured test broker."""

from __future__ import annotations

import datetime as dt
import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from pathlib import Path

USER = "turbine"
PASSWORD = "gate-valve-7"  # noqa: S105
PASSWORD_VARIABLE = "PENSTOCK_TEST_PASSWORD"  # noqa: S105
LISTENERS = {"SSL": "SSL", "SASL_SSL": "SASL_SSL", "SASL_PLAINTEXT": "SASL_PLAINTEXT", "EXPIRING": "SASL_SSL"}
"""Names with their protocols. Sessions of EXPIRING end after `SESSION_SECONDS`, unless the client logs in again."""

SESSION_SECONDS = 1.5
_PLAIN_MODULE = "org.apache.kafka.common.security.plain.PlainLoginModule"
_SCRAM_MODULE = "org.apache.kafka.common.security.scram.ScramLoginModule"


@dataclass(frozen=True, slots=True)
class Certificates:
    """PEM files: the authority that signed broker and client, and an authority that signed neither."""

    authority: Path
    broker: Path
    client: Path
    client_key: Path
    stranger: Path


def make_certificates(directory: Path) -> Certificates:
    """Write fresh certificates, valid for 127.0.0.1 and localhost, into `directory`."""
    directory.mkdir(parents=True, exist_ok=True)
    key, authority = _authority("Test authority")
    _, stranger = _authority("Unrelated authority")
    broker_key, broker = _signed("broker", authority, key)
    client_key, client = _signed("client", authority, key)
    files = {
        "authority.pem": _pem(authority),
        "broker.pem": _pem_key(broker_key) + _pem(broker),
        "client.pem": _pem(client),
        "client.key": _pem_key(client_key),
        "stranger.pem": _pem(stranger),
    }
    for name, content in files.items():
        (directory / name).write_bytes(content)
    return Certificates(*(directory / name for name in files))


def broker_properties(certificates: Certificates) -> dict[str, str]:
    """Server properties of `LISTENERS`; SSL requires a client certificate."""
    properties = {
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(certificates.broker),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(certificates.authority),
        "listener.name.ssl.ssl.client.auth": "required",
        "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
    }
    for listener in ("sasl_ssl", "sasl_plaintext", "expiring"):
        prefix = f"listener.name.{listener}"
        properties[f"{prefix}.plain.sasl.jaas.config"] = f'{_PLAIN_MODULE} required user_{USER}="{PASSWORD}";'
        for bits in (256, 512):
            properties[f"{prefix}.scram-sha-{bits}.sasl.jaas.config"] = f"{_SCRAM_MODULE} required;"
    for mechanism in ("plain", "scram-sha-256", "scram-sha-512"):
        properties[f"listener.name.expiring.{mechanism}.connections.max.reauth.ms"] = str(int(SESSION_SECONDS * 1000))
    return properties


def client_settings(certificates: Certificates, bootstrap: str, listener: str, mechanism: str) -> dict[str, Any]:
    """What `[source]` says to read from a listener; the password is in `PASSWORD_VARIABLE`."""
    settings: dict[str, Any] = {"brokers": [bootstrap]}
    if "SSL" in LISTENERS[listener]:
        settings["tls"] = {"ca": str(certificates.authority)}
    if listener == "SSL":
        settings["tls"] |= {"cert": str(certificates.client), "key": str(certificates.client_key)}
    if mechanism:
        settings["sasl"] = {"mechanism": mechanism, "user": USER, "password_env": PASSWORD_VARIABLE}
    return settings


def _authority(name: str) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    builder = _builder(subject, subject, key)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    return key, builder.add_extension(usage, critical=True).sign(key, hashes.SHA256())


def _signed(
    name: str, authority: x509.Certificate, authority_key: ec.EllipticCurvePrivateKey
) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    key = ec.generate_private_key(ec.SECP256R1())
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.IPv4Address("127.0.0.1"))])
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key())
    builder = _builder(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]), authority.subject, key)
    builder = builder.add_extension(names, critical=False).add_extension(issuer, critical=False)
    return key, builder.sign(authority_key, hashes.SHA256())


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=2))
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _pem_key(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
