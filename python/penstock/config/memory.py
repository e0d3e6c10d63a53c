"""`[source]` of type memory: records that a test hands over. Only `penstock.testing` makes it."""

from typing import ClassVar, Literal

from penstock.config.section import Section


class MemorySource(Section):
    """Nothing to set."""

    type: Literal["memory"] = "memory"

    start: ClassVar[Literal["earliest"]] = "earliest"
    on_gap: ClassVar[Literal["fail"]] = "fail"
