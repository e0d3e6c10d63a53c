"""The job of `bench/run.py`: which events, what becomes of them, and the pipeline file that says so.

Events whose level is `debug` go, the column `status` goes, e-mail addresses in `user_email` and in `content` become
`[email]`, the rest lands in Parquet with zstd-1 and statistics.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal
from uuid import uuid4

from penstock.demo.events import COLUMNS, Profile, events

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

Scenario = Literal["kafka_to_parquet", "file_to_parquet"]

SEED: Final = 20260105
DROPPED: Final = "status"
DROPPED_LEVEL: Final = "debug"
MARK: Final = "[email]"


@dataclass(frozen=True, slots=True)
class Size:
    """One profile of events, and how much of it."""

    profile: Profile
    codec: Literal["lz4", "zstd"]
    """Of the batches in Kafka."""
    records: int
    """So many that start-up is about a tenth of anybody's CPU or less: what is compared runs for days."""
    quick_records: int
    address_every: int | None
    """One event in so many has an address in its `content`: about ten per megabyte. None: there is no `content`."""

    @property
    def columns(self) -> dict[str, str | dict[str, str]]:
        """What `[decode.columns]` says."""
        return {name: declared for name, declared in COLUMNS.items() if name != "content" or self.address_every}

    @property
    def redacted(self) -> tuple[str, ...]:
        """The columns that addresses are taken out of."""
        return ("user_email", "content") if self.address_every else ("user_email",)


SIZES: Final[Mapping[str, Size]] = {
    "340": Size("340", "lz4", 5_000_000, 60_000, None),
    "1k": Size("1k", "zstd", 800_000, 25_000, 100),
    "8k": Size("8k", "zstd", 120_000, 5_000, 12),
}


def stream(size: Size, count: int) -> Iterator[tuple[bytes | None, bytes]]:
    """Key and value of every record; the same for everybody and every time."""
    for number, event in enumerate(events(size.profile, count, SEED)):
        value = event.value or b""
        if size.address_every and number % size.address_every == 0:
            value = _with_address(value, number // size.address_every)
        yield event.key, value


def _with_address(value: bytes, number: int) -> bytes:
    """Every second address is written with its `@` as an escape, as some producers do."""
    before, key, text = value.partition(b'"content":')
    space, quote, rest = text.partition(b'"')
    at = b"\\u0040" if number % 2 else b"@"
    return before + key + space + quote + b"Ask lena.ito%d%sexample.com: " % (number, at) + rest


def pipeline_file(source: Mapping[str, Any], size: Size, table: Path) -> str:
    """The text of Penstock's pipeline file. `source` is its `[source]`.

    Each has another name, and so another group: an empty table is refused where the group says that one was written.
    """
    sections: Sequence[tuple[str, Mapping[str, Any]]] = (
        ("[pipeline]", {"name": f"bench-{uuid4().hex}"}),
        ("[source]", source),
        ("[decode]", {"format": "json"}),
        ("[decode.columns]", size.columns),
        ("[[transform]]", {"type": "filter", "where": f"level <> '{DROPPED_LEVEL}'"}),
        ("[[transform]]", {"type": "select", "drop": [DROPPED]}),
        ("[[transform]]", {"type": "redact", "columns": list(size.redacted), "patterns": ["email"]}),
        ("[sink]", {"type": "parquet", "path": str(table), "kafka_columns": False}),
    )
    return "\n".join(
        "\n".join((title, *(f"{key} = {_toml(value)}" for key, value in keys.items()), "")) for title, keys in sections
    )


def _toml(value: object) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml(inner)}" for key, inner in value.items()) + " }"
    return json.dumps(value)
