"""The one place that knows every kind of source."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from penstock.config import Config
    from penstock.source.source import Source


def open_source(config: Config, *, group: bool = True) -> Source:
    """The source that `config` names, not connected. Without `group` nothing is shared with other processes."""
    from penstock.source.kafka import KafkaSource  # noqa: PLC0415 - each kind with its own imports

    return KafkaSource(config.source, group=group)
