"""The whole file as one frozen value."""

import hashlib
import json
import os
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from penstock.config.decode import Decode
from penstock.config.kafka import KafkaSource
from penstock.config.listen import ListenAddress
from penstock.config.section import LocalPath, Section, Text, path_mistake
from penstock.config.source import DEFAULT, Source
from penstock.config.transform import Step
from penstock.config.units import Duration, Size, parse_duration

MIB = 2**20
LARGEST_ROW_GROUP = 16 * MIB
ROW_GROUPS_PER_LIMIT = 8
SLABS_PER_LIMIT = 16
"""The part of the memory limit that may be kept to decompress into."""

FETCH_BYTES = 8 * MIB
"""What a broker answers at most at once, but for a single batch that is larger."""

FETCHES_PER_LIMIT = 16
"""What one answer may add stays well below the part of the memory limit that is kept free (30 %)."""

FETCHED_PER_LIMIT = 4
"""The part of the memory limit that all answers may have together, from the request on until they are decoded."""

FETCHED_BYTES = FETCH_BYTES * FETCHES_PER_LIMIT // FETCHED_PER_LIMIT
"""That part where answers are as large as they get."""

ZSTD_LEVEL = 1
DIGEST_CHARACTERS = 32


class Pipeline(Section):
    """The job as a whole."""

    name: Text
    memory_limit: Size = 512 * MIB
    shutdown_grace: Duration = parse_duration("30s")
    workers: Annotated[int, Field(ge=0, le=1024)] = 0
    """Native threads; 0 means one per core."""
    on_fault: Literal["stop", "continue"] = "stop"


class Cut(Section):
    """When a data file ends and is committed: whatever comes first."""

    bytes: Size = 128 * MIB
    rows: Annotated[int, Field(ge=1)] | None = None
    age: Duration = parse_duration("5m")


class Sink(Section):
    """Where rows go."""

    type: Literal["parquet"] = "parquet"
    path: LocalPath
    cut: Cut = Cut()
    kafka_columns: bool = True


class Limit(Section):
    """When rejections mean that the pipeline is wrong, not the data."""

    ratio: Annotated[float, Field(ge=0, le=1)] = 0.05
    run: Annotated[int, Field(ge=1)] = 1000


class DeadLetter(Section):
    """Where rejected records go."""

    path: LocalPath
    limit: Limit = Limit()
    raw: Literal["keep", "drop"] = "keep"


class Telemetry(Section):
    """What the daemon says about itself."""

    listen: ListenAddress | None = None
    """Where metrics and health are served; nowhere if it is absent."""
    log: Literal["text", "json"] = "text"
    log_level: Literal["debug", "info", "warning", "error"] = "info"


class Config(Section):
    """One pipeline. Made by `load`, which also checks what no single key can tell (`rules.py`)."""

    pipeline: Pipeline
    source: Source
    decode: Decode
    transform: Annotated[tuple[Step, ...], Field(strict=False)] = ()
    sink: Sink
    dead_letter: DeadLetter
    telemetry: Telemetry = Telemetry()

    @model_validator(mode="before")
    @classmethod
    def _derive(cls, values: object) -> object:
        """Defaults that follow from another key: the group from the name, the dead letters' path from the sink's."""
        return derive(values) if isinstance(values, dict) else values

    @property
    def kafka(self) -> KafkaSource:
        """The source, where it is one of type kafka; `TypeError` if it is not."""
        if not isinstance(self.source, KafkaSource):
            raise TypeError(self.source.type)
        return self.source

    @property
    def fetch_bytes(self) -> int:
        """What a broker may answer at once."""
        return min(FETCH_BYTES, self.pipeline.memory_limit // FETCHES_PER_LIMIT)

    @property
    def fetched_bytes(self) -> int:
        """What all brokers may have answered and nobody has decoded yet, requests on their way counted in."""
        return self.pipeline.memory_limit // FETCHED_PER_LIMIT

    def plan_digest(self, schema: str) -> str:
        """What decides a record's verdict and its row, in 32 hexadecimal characters.

        `schema` is the table's resolved schema as the engine gives it. Equal digests mean that a replay of the same
        records reaches the same verdicts. Settings of cut, memory, brokers and logs do not take part.
        """
        from penstock._native import build_info  # noqa: PLC0415 - The core is loaded only where it is used.

        steps = [step.plan() for step in self.transform]
        plan = {"version": build_info()["version"], "schema": schema, **self.decode.plan(), "transform": steps}
        text = json.dumps(plan, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:DIGEST_CHARACTERS]

    def engine_json(self, *, batches: bool = False) -> str:
        """The configuration of `penstock._native.Engine`. With `batches` it hands rows back and opens no files.

        Holds the keys of redaction: never log it.
        """
        encode = {
            "row_group_bytes": min(LARGEST_ROW_GROUP, self.pipeline.memory_limit // ROW_GROUPS_PER_LIMIT),
            "zstd_level": ZSTD_LEVEL,
        }
        return json.dumps(
            {
                **self.decode.plan(),
                "transform": [step.engine() for step in self.transform],
                "kafka_columns": self.sink.kafka_columns,
                "dead_letter": {"raw": self.dead_letter.raw},
                "encode": encode,
                "slab_bytes": self.pipeline.memory_limit // SLABS_PER_LIMIT,
                "batches": batches,
            }
        )


def derive(values: dict[str, Any]) -> dict[str, Any]:
    """A copy of raw values with the defaults that follow from another key.

    Tolerates any mistake, and repeats none: what follows from a mistaken key gets a stand-in.
    """
    derived = {"decode": {}, "dead_letter": {}, **values}
    sink, source, pipeline = (derived.get(name) for name in ("sink", "source", "pipeline"))
    if isinstance(source, dict):
        derived["source"] = source = {"type": DEFAULT, **source}
        if source["type"] == "kafka":
            name = pipeline.get("name") if isinstance(pipeline, dict) else None
            source.setdefault("group", name if isinstance(name, str) and name.strip() else "unnamed")
    if isinstance(derived["dead_letter"], dict):
        path = sink.get("path") if isinstance(sink, dict) else None
        usable = path if isinstance(path, str) and path_mistake(path) is None else "unknown"
        derived["dead_letter"] = {"path": beside(usable), **derived["dead_letter"]}
    return derived


def beside(path: str) -> str:
    """Where dead letters go when nothing is said: `<path>-dead`."""
    plain = Path(path)
    return (os.path.realpath(plain) if plain.name in ("", "..") else str(plain)) + "-dead"
