"""The one place that knows every kind of source."""

from __future__ import annotations

from typing import TYPE_CHECKING

from penstock.errors import InternalError

if TYPE_CHECKING:
    from penstock.config import Config
    from penstock.source.source import Source
    from penstock.telemetry.metrics import Metrics


def open_source(config: Config, metrics: Metrics, *, group: bool = True, frames: bool = True) -> Source:
    """The source that `config` names, not connected. Without `group` nothing is shared with other processes.

    Without `frames` it hands over columns of records.
    """
    from penstock.config import FileSource, KafkaSource  # noqa: PLC0415 - each kind with its own imports

    match config.source:
        case FileSource():
            from penstock.source import file  # noqa: PLC0415

            return file.FileSource(config.source, config.decode.max_bytes)
        case KafkaSource():
            from penstock.source import kafka  # noqa: PLC0415

            sizes = {"fetch_bytes": config.fetch_bytes, "fetched_bytes": config.fetched_bytes}
            return kafka.KafkaSource(config.source, metrics, group=group, frames=frames, **sizes)
    raise InternalError("A memory source is made by penstock.testing.")
