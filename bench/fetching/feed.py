"""The topics that are read: one for each size and codec, made once for everybody."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, get_args

from bench.feed import Producing
from bench.fetching.ring import Contents, Ring
from bench.job import SEED
from penstock.demo.events import Profile, events
from tests.broker.topics import Topics

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tests.broker.cluster import KafkaCluster

Codec = Literal["none", "lz4", "zstd"]

CODECS: Final[Sequence[Codec]] = get_args(Codec)
PARTITIONS: Final = 4


@dataclass(frozen=True, slots=True)
class Size:
    """One profile of events, and how many of them are in a topic."""

    profile: Profile
    bytes: int
    records: int
    quick_records: int


SIZES: Final[Mapping[str, Size]] = {
    "340": Size("340", 340, 400_000, 100_000),
    "1k": Size("1k", 1024, 160_000, 60_000),
    "8k": Size("8k", 8192, 24_000, 8_000),
}


def make_rings(
    size: Size, codecs: Sequence[Codec], records: int, cluster: KafkaCluster
) -> Iterator[tuple[Codec, Ring]]:
    """Write the events, once for each codec; a ring is there when the broker has all of it."""
    values = [event.value or b"" for event in events(size.profile, records, SEED)]
    contents = [Contents() for _ in range(PARTITIONS)]
    for number, value in enumerate(values):
        contents[number % PARTITIONS].add(value)
    brokers = cluster.bootstrap()
    for codec in codecs:
        topic = Topics(cluster, "fetch").create(f"{size.profile}.{codec}", partitions=PARTITIONS)
        producing = Producing(brokers, topic, codec)
        for number, value in enumerate(values):
            producing.send(None, value, number % PARTITIONS)
        producing.finish()
        yield codec, Ring(brokers, topic, contents)
