"""The one place that knows every kind of source."""

from __future__ import annotations

from typing import TYPE_CHECKING

from penstock.errors import InternalError

if TYPE_CHECKING:
    from penstock.config import Config
    from penstock.source.source import Source
    from penstock.telemetry.metrics import Metrics


FETCHES_PER_LIMIT = 16
"""What one answer of a broker may add stays well below the part of the memory limit that is kept free (30 %)."""


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

            fetch_bytes = min(kafka.FETCH_BYTES, config.pipeline.memory_limit // FETCHES_PER_LIMIT)
            return kafka.KafkaSource(config.source, metrics, group=group, frames=frames, fetch_bytes=fetch_bytes)
    raise InternalError("A memory source is made by penstock.testing.")
