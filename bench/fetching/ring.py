"""What is read round and round, and what must come out of it. Imports nothing large: readers start with it."""

from __future__ import annotations

import json
import zlib
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(slots=True)
class Contents:
    """Of one partition: how many values, and a checksum over them in their order."""

    records: int = 0
    checksum: int = 0

    def add(self, value: bytes) -> None:
        """The next value."""
        self.records += 1
        self.checksum = zlib.crc32(value, zlib.crc32(len(value).to_bytes(4), self.checksum))


@dataclass(frozen=True, slots=True)
class Ring:
    """A topic, each of whose partitions is read again from its beginning as soon as its end is reached."""

    brokers: str
    topic: str
    partitions: Sequence[Contents]
    """By number. Offsets begin at 0, and none is left out."""

    @property
    def records(self) -> int:
        """In all of it."""
        return sum(one.records for one in self.partitions)

    def as_json(self) -> str:
        """As `from_json` takes it."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """What `as_json` made."""
        fields = json.loads(text)
        return cls(fields["brokers"], fields["topic"], [Contents(**one) for one in fields["partitions"]])

    def difference(self, found: Sequence[Contents]) -> str | None:
        """What is wrong with the contents that a reader found; None: nothing."""
        for number, (expected, read) in enumerate(zip(self.partitions, found, strict=True)):
            if read.records != expected.records:
                return f"partition {number}: {read.records} records instead of {expected.records}"
            if read.checksum != expected.checksum:
                return f"partition {number}: other values"
        return None
