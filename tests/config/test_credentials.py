"""Where the password is may be known; the password may not."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING

import pytest

from penstock.errors import ConfigError
from tests.config.pipeline_text import load_text, pipeline_text

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "hunter2-é-correct-horse"  # noqa: S105 - the point of the tests
SASL = 'mechanism = "SCRAM-SHA-512"\nuser = "penstock"\n'


def test_the_password_comes_from_the_environment_when_it_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And is in no representation of the configuration."""
    monkeypatch.setenv("BROKER_PASSWORD", SECRET)
    config = load_text(tmp_path, pipeline_text({"source.sasl": SASL + 'password_env = "BROKER_PASSWORD"'}))
    assert config.kafka.sasl is not None
    assert config.kafka.sasl.read_password() == SECRET
    shown = (repr(config), str(config), config.model_dump_json(), config.engine_json())
    assert not any(SECRET in text for text in shown)


def test_the_password_comes_from_a_file_without_its_line_end(tmp_path: Path) -> None:
    """As secrets are mounted."""
    (tmp_path / "secret").write_text(SECRET + "\n", encoding="utf-8")
    config = load_text(tmp_path, pipeline_text({"source.sasl": SASL + f'password_file = "{tmp_path}/secret"'}))
    assert config.kafka.sasl is not None
    assert config.kafka.sasl.read_password() == SECRET
    assert SECRET not in repr(config)


@pytest.mark.parametrize(
    "keys",
    [
        f'password = "{SECRET}"',
        f'password_env = "{SECRET}"',
        f'password_env = ["{SECRET}"]',
        f'mechanism = "{SECRET}"',
        f'user = ["{SECRET}"]',
        f'password_env = "X"\npasswort = "{SECRET}"',
    ],
)
def test_a_password_in_the_wrong_place_is_not_repeated(keys: str, tmp_path: Path) -> None:
    """Messages end up in logs and tickets."""
    with pytest.raises(ConfigError) as caught:
        load_text(tmp_path, pipeline_text({"source.sasl": keys}))
    shown = "".join(traceback.format_exception(caught.value))
    assert "source.sasl" in shown
    assert SECRET not in shown


def test_a_password_in_a_variable_of_ours_is_not_repeated(tmp_path: Path) -> None:
    """There is no key for it, and the message does not say it."""
    with pytest.raises(
        ConfigError, match=r"PENSTOCK__SOURCE__SASL__PASSWORD: source\.sasl\.password: unknown"
    ) as caught:
        load_text(tmp_path, pipeline_text({}), environment={"PENSTOCK__SOURCE__SASL__PASSWORD": SECRET})
    assert SECRET not in str(caught.value)


def test_a_password_before_a_host_is_not_repeated(tmp_path: Path) -> None:
    """People paste whole addresses."""
    source = f'brokers = ["kafka://user:{SECRET}@host:9092"]\ntopics = ["a"]'
    with pytest.raises(ConfigError, match="the address is not a broker") as caught:
        load_text(tmp_path, pipeline_text({"source": source}))
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("key", "content", "message"),
    [
        ("ca", b"not a certificate", "is not a PEM certificate"),
        ("ca", b"\x30\x82\xff\xfe", "is not a text file"),
        ("key", b"-----BEGIN CERTIFICATE-----", "is not a PEM private key"),
        ("key", b"-----BEGIN ENCRYPTED PRIVATE KEY-----", "is an encrypted key; decrypt it first"),
    ],
)
def test_a_file_that_is_no_pem_is_refused(key: str, content: bytes, message: str, tmp_path: Path) -> None:
    """Before the broker refuses it in other words."""
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(ConfigError, match=rf"source\.tls\.{key}: .*file {message}"):
        load_text(tmp_path, pipeline_text({"source.tls": f'{key} = "{tmp_path}/file"'}))


def test_an_empty_tls_section_asks_for_encryption(tmp_path: Path) -> None:
    """With the certificate authorities of the system."""
    assert load_text(tmp_path, pipeline_text({"source.tls": ""})).kafka.tls is not None
    assert load_text(tmp_path, pipeline_text({})).kafka.tls is None


def test_an_empty_password_file_is_refused(tmp_path: Path) -> None:
    """A secret that was not mounted."""
    (tmp_path / "secret").write_text("\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"source\.sasl\.password_file: .*secret is empty; it must hold the password"):
        load_text(tmp_path, pipeline_text({"source.sasl": SASL + f'password_file = "{tmp_path}/secret"'}))
