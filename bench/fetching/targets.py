"""What the fast path is after: how many times as much per CPU second as what else there is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.fetching.feed import Codec
    from penstock.demo.events import Profile


@dataclass(frozen=True, slots=True)
class Target:
    """One ratio: `least` must be reached, `aim` is what is worked towards."""

    profile: Profile
    codec: Codec
    mode: str
    base: str
    least: float
    aim: float


TARGETS: Final[Sequence[Target]] = (
    Target("1k", "none", "fast", "getmany", 8, 10),
    Target("1k", "none", "fast_decoded", "getmany", 6.5, 8),
    Target("1k", "zstd", "fast_decoded", "getmany", 4, 5),
    Target("1k", "none", "fast_decoded", "confluent", 2, 2.5),
    Target("1k", "zstd", "fast_decoded", "confluent", 2, 2.5),
    Target("8k", "none", "fast_decoded", "confluent", 1.1, 1.5),
    Target("8k", "zstd", "fast_decoded", "confluent", 1.6, 2),
)
