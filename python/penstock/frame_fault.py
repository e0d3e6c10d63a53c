"""What a batch of a frame that can't be taken means for its partition. See `Source.refetch` for most of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from penstock.errors import PositionError

if TYPE_CHECKING:
    from penstock._native import Fault
    from penstock.batch import Partition

LEADER_EPOCH_FELL: Final = "leader_epoch_fell"

CODES: Final = (
    "old_magic",
    "unknown_magic",
    "invalid_length",
    "checksum_mismatch",
    "invalid_header",
    "misplaced_batch",
    LEADER_EPOCH_FELL,
    "unknown_codec",
    "invalid_compression",
    "decompressed_too_large",
    "invalid_record",
    "trailing_bytes",
    "invalid_marker",
)
"""What the core says; closed."""


def truncated(partition: Partition, fault: Fault) -> PositionError:
    """Why the partition stops without a second try: what is committed may not be what the topic has now."""
    return PositionError(
        f"{partition} offset {fault.offset}: {fault.message}. Records that were read are gone or were replaced; what "
        "is before that offset is committed. Compare the topic with the table, then write to a new table."
    )
