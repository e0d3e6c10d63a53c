"""Whatever a file says, the answer is a configuration or a `ConfigError`."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from penstock.config import load
from penstock.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

KEYS = [
    "pipeline",
    "source",
    "decode",
    "columns",
    "transform",
    "sink",
    "dead_letter",
    "telemetry",
    "name",
    "brokers",
    "topics",
    "topics_regex",
    "sasl",
    "tls",
    "mechanism",
    "password_env",
    "password_file",
    "ca",
    "cert",
    "key",
    "path",
    "type",
    "cut",
    "bytes",
    "rows",
    "age",
    "limit",
    "ratio",
    "run",
    "start",
    "memory_limit",
    "where",
    "keep",
    "rename",
    "cast",
    "patterns",
    "mode",
    "key_file",
]
TEXTS = (
    "kafka",
    "parquet",
    "file",
    "a:1",
    "a",
    "",
    "s3://a",
    "~",
    "..",
    "/",
    "1s",
    "1MiB",
    "string",
    "filter",
    "select",
    "redact",
    "hash",
    "(",
    "\n",
    "é",
    "~b/c",
)

scalars = st.one_of(
    st.sampled_from(TEXTS),
    st.text(st.characters(codec="utf-8", exclude_characters="\x7f"), max_size=5),
    st.integers(-(2**63), 2**63 - 1),
    st.booleans(),
    st.floats(allow_nan=False, allow_infinity=False),
)
names = st.one_of(st.sampled_from(KEYS), st.text(st.characters(codec="ascii", exclude_characters="\x7f"), max_size=3))
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(names, inner, max_size=4)),
    max_leaves=12,
)


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(key)} = {_toml(inner)}" for key, inner in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100, deadline=None)
@given(st.dictionaries(st.sampled_from(KEYS), values, max_size=7))
def test_no_file_breaks_the_loader(tmp_path: Path, document: dict[str, Any]) -> None:
    """No other exception, and no message without a place in the file."""
    path = tmp_path / "any.toml"
    path.write_text(
        "".join(f"{json.dumps(key)} = {_toml(value)}\n" for key, value in document.items()), encoding="utf-8"
    )
    with contextlib.suppress(ConfigError):
        load(path, environment={})
