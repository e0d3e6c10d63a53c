"""The first records of a topic, read without a group."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

from pydantic import ValidationError

from penstock.config import Config
from penstock.daemon.sample import make_sampler
from penstock.decode.sample_file import Sample
from penstock.errors import UnavailableError, UsageError
from penstock.init.pipeline_file import TopicOrigin
from penstock.source.open import open_source
from penstock.telemetry.metrics import Metrics

if TYPE_CHECKING:
    from penstock.batch import Partition

SCHEME = "kafka://"
FORM = "kafka://host:port/topic, several brokers as kafka://a:9092,b:9092/topic"

_ADDRESS = re.compile(r"kafka://(?P<brokers>[^/@]+)/(?P<topic>[^/]+)")


def parse(address: str) -> TopicOrigin:
    """Raises `UsageError` for an address that is none; what may be a password is not repeated."""
    if "@" in address:
        raise UsageError(f"--from takes no user or password: write {FORM}, and add [source.sasl] to the file.")
    match = _ADDRESS.fullmatch(address)
    if match is None:
        raise UsageError(f"{address} is no address of a topic; write {FORM}.")
    return TopicOrigin(tuple(match["brokers"].split(",")), match["topic"])


def read_topic(origin: TopicOrigin) -> Sample:
    """As many of its first records as columns are inferred from; blocks. Commits nothing, joins no group.

    Raises `UsageError` for a broker or topic that can't be one, `UnavailableError` if it can't be read or is empty.
    """
    name = f"{SCHEME}{','.join(origin.brokers)}/{origin.topic}"
    config = _config(origin)
    sampler = make_sampler(config, open_source(config, Metrics(), group=False), until_end=True)
    values = asyncio.run(sampler.run(_first))
    if not values:
        raise UnavailableError(f"{name} has no records yet, so there is nothing to infer columns from. Produce some.")
    return Sample(name, values)


async def _first(_partition: Partition) -> int | None:
    return None


def _config(origin: TopicOrigin) -> Config:
    source = {"brokers": list(origin.brokers), "topics": [origin.topic]}
    try:
        return Config.model_validate({"pipeline": {"name": "init"}, "source": source, "sink": {"path": "unused"}})
    except ValidationError as error:
        raise UsageError(f"{error.errors()[0]['ctx']['error']}.") from None
