"""`[source]` of type kafka, with its credentials."""

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from penstock.config.secret import PasswordFile, PasswordVariable, read_secret, read_text
from penstock.config.section import LocalPath, Section, Text
from penstock.config.show import show
from penstock.config.units import Duration, StartAt, parse_duration

_BROKER = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):(\d{1,5})", re.ASCII)
_TOPIC = re.compile(r"[A-Za-z0-9._-]{1,249}", re.ASCII)
_LARGEST_PORT = 65_535
_CERTIFICATE = "-----BEGIN CERTIFICATE-----"
_PRIVATE_KEY = "PRIVATE KEY-----"
_ENCRYPTED = ("-----BEGIN ENCRYPTED PRIVATE KEY-----", "Proc-Type: 4,ENCRYPTED")


def _broker(value: str) -> str:
    match = _BROKER.fullmatch(value)
    if match is None or not 0 < int(match[1]) <= _LARGEST_PORT:
        shown = "the address" if "@" in value else show(value)  # What stands before an @ may be a password.
        raise ValueError(f'{shown} is not a broker; write host and port, like "localhost:9092"')
    return value


def _topic(value: str) -> str:
    if not _TOPIC.fullmatch(value) or value in (".", ".."):
        raise ValueError(f"{show(value)} is not a topic name; for a pattern use topics_regex")
    return value


def _regex(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f"{show(value)} is not a regular expression: {error}") from None
    return value


def _certificate(path: Path) -> Path:
    if _CERTIFICATE not in read_text(path):
        raise ValueError(f"{path} is not a PEM certificate: it has no line {_CERTIFICATE}")
    return path


def _private_key(path: Path) -> Path:
    text = read_text(path)
    if any(mark in text for mark in _ENCRYPTED):
        raise ValueError(f"{path} is an encrypted key; decrypt it first, for example with `openssl pkey`")
    if _PRIVATE_KEY not in text:
        raise ValueError(f"{path} is not a PEM private key: it has no line -----BEGIN PRIVATE KEY-----")
    return path


Certificate = Annotated[LocalPath, AfterValidator(_certificate)]


class Sasl(Section):
    """Who we are to the broker. Holds where the password is, never the password."""

    mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]
    user: Text
    password_env: PasswordVariable | None = None
    password_file: PasswordFile | None = None

    def read_password(self) -> str:
        """The password, read now. Never log it, never keep it. Without the line end a file closes with."""
        return read_secret(self.password_env, self.password_file)


class Tls(Section):
    """Encryption to the broker. An empty section means TLS with the system's certificate authorities."""

    ca: Certificate | None = None
    cert: Certificate | None = None
    key: Annotated[LocalPath, AfterValidator(_private_key)] | None = None


class KafkaSource(Section):
    """What to read, and from where. Neither list is empty when it is set; one of `topics` and `topics_regex` is."""

    type: Literal["kafka"] = "kafka"
    brokers: Annotated[tuple[Annotated[str, AfterValidator(_broker)], ...], Field(strict=False)]
    topics: Annotated[tuple[Annotated[str, AfterValidator(_topic)], ...], Field(strict=False)] = ()
    topics_regex: Annotated[Text, AfterValidator(_regex)] | None = None
    group: Text
    start: StartAt = "earliest"
    isolation: Literal["read_committed", "read_uncommitted"] = "read_committed"
    session_timeout: Duration = parse_duration("45s")
    instance_id: Text | None = None
    on_gap: Literal["fail", "record"] = "fail"
    fetch_mode: Literal["auto", "fast", "records"] = "auto"
    sasl: Sasl | None = None
    tls: Tls | None = None
