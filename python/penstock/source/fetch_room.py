"""How much brokers may answer together, whatever their number: a fetch is sent once there is room for its answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from penstock._native import FramePool

ANSWERS_PER_BROKER = 2
"""While one is decoded the next one arrives."""

_LEAST_BYTES = 64 * 1024
"""Of an answer; what smaller ones would save costs more requests than memory is worth."""

_SHARE_OF_HEADERS = 64
"""This part of an answer is left to what is not records, so that all of it fits memory of the size that is kept."""

_SIZE_BITS = 3
"""Of a size; the pool rounds all others up."""


class FetchRoom:
    """The memory that answers may have, from the request on until they are decoded."""

    def __init__(self, pool: FramePool, *, answer_bytes: int, total_bytes: int) -> None:
        """`answer_bytes` for one, if few brokers are asked; `total_bytes` for those in `pool` and those to come."""
        self._pool = pool
        self._answer_bytes = answer_bytes
        self._total_bytes = max(total_bytes, ANSWERS_PER_BROKER * answer_bytes)
        self._share_bytes = answer_bytes
        self._admitted: dict[int, int] = {}
        """Broker to the number of the last request that was admitted."""
        self._count = 0

    @property
    def records_bytes(self) -> int:
        """What a broker is asked for at most."""
        return self._share_bytes - self._share_bytes // _SHARE_OF_HEADERS

    def share_among(self, brokers: int) -> None:
        """So many are asked now: the more, the less each may answer."""
        share = _as_kept(self._total_bytes // (ANSWERS_PER_BROKER * max(brokers, 1)))
        self._share_bytes = min(self._answer_bytes, max(share, _LEAST_BYTES))

    def admit(self, requests: Sequence[tuple[int, Any]], in_flight: int) -> list[tuple[int, Any]]:
        """Those of `requests`, each with its broker, that there is room for; who waited longest goes first.

        `in_flight` are unanswered. Where nothing is held there is always room for one.
        """
        held = self._pool.bytes_in_use + in_flight * self._share_bytes
        admitted = []
        for broker, request in sorted(requests, key=lambda request: self._admitted.get(request[0], 0)):
            if held and held + self._share_bytes > self._total_bytes:
                break
            held += self._share_bytes
            self._count += 1
            self._admitted[broker] = self._count
            admitted.append((broker, request))
        return admitted


def _as_kept(size: int) -> int:
    """The largest size not above `size` that memory of the pool has."""
    step = 1 << max(size.bit_length() - _SIZE_BITS, 0)
    return size // step * step
