"""The Rust core, as Python sees it. Private: only `penstock` modules import it.

Every call that computes releases the GIL. Nothing here does I/O or logs.
"""

from collections.abc import Sequence
from typing import Self, final

from penstock.batch import RawBatch

__all__ = [
    "Chunk",
    "Engine",
    "Inferred",
    "InferredColumn",
    "Ingested",
    "NativeError",
    "OpenFile",
    "Rejection",
    "Report",
    "TomlError",
    "build_info",
    "check_transforms",
    "infer_schema",
    "parse_toml",
]

class NativeError(Exception):
    """The core could not do its work: a bug or an impossible configuration, never a bad record."""

class TomlError(ValueError):
    """Not TOML. `args == (message, line, column)`, both from 1."""

@final
class Rejection:
    """One record that is not a row."""

    offset: int
    code: str
    """One of empty_value invalid_json invalid_utf8 lone_surrogate not_an_object too_deep too_large missing_required."""
    byte_position: int
    message: str

@final
class Report:
    """What became of one `RawBatch`; `records == rows + dead_letters + filtered + tombstones`."""

    records: int
    rows: int
    dead_letters: int
    filtered: int
    tombstones: int
    bytes: int
    """Bytes of record values."""
    drift: dict[str, int]
    """Counts by reason: type_mismatch out_of_range unknown_key duplicate_key replaced_text coerced filter_undecided."""
    redacted: dict[str, int]
    """How much was taken out of texts, by pattern; whole values count as "redacted"."""

@final
class Ingested:
    """The result of one `ingest`, in the order of the batches that went in."""

    reports: list[Report]
    rejections: list[list[Rejection]]
    """Per batch, in offset order."""
    batches: list[object]
    """Per batch an Arrow record batch (`__arrow_c_array__`); only with `"batches": true` in the engine's config."""

@final
class Chunk:
    """Bytes of a data file, by the buffer protocol (`memoryview(chunk)`), read-only, without a copy."""

    def __buffer__(self, flags: int, /) -> memoryview: ...
    def __len__(self) -> int: ...

@final
class OpenFile:
    """One open data file in memory."""

    table: str
    topic: str
    partition: int
    epoch: int
    rows: int
    memory_bytes: int
    """Held in memory now: rows not encoded yet plus finished bytes not taken yet."""
    file_bytes: int
    """Bytes the file has so far, taken ones included; rows of the open row group by estimate."""

@final
class Engine:
    """Owns what is open: per (table, topic, partition, epoch) one data file. Tables: "main", "dead_letter".

    `config_json`, an object:
      columns       list of {name, path: [str, ...], type: str, required: bool}
      decode        {invalid_text: "reject" | "replace", max_depth: int, max_bytes: int, residue: bool, coerce: bool}
      transform     list of steps, in order:
                    {type: "filter", where: str}
                    {type: "select", keep: [str] | null, drop: [str] | null, rename: {old: new}, cast: {column: type}}
                    {type: "redact", columns: [str] | null, patterns: [str | {name: str, regex: str}] | null,
                     whole: bool, mode: "mask" | "hash", key: hexadecimal digits | null}
      kafka_columns bool: append kafka_topic kafka_partition kafka_offset kafka_timestamp to the main table
      dead_letter   {raw: "keep" | "drop"}
      encode        {row_group_bytes: int, zstd_level: int}
      batches       bool: hand batches back as files would hold them (dry run) and open no files
    Raises `NativeError` naming the key that is wrong.
    """

    def __new__(cls, config_json: str, threads: int) -> Self: ...
    def open(
        self, topic: str, partition: int, epoch: int, dead_letters_from: int, verdicts: Sequence[int] | None
    ) -> None:
        """Begin an assignment. Must precede `ingest` for that (topic, partition, epoch).

        Dead letters below `dead_letters_from` are counted, not written: the dead-letter table has them already.
        `verdicts`, given after a change of plan, are the offsets below `dead_letters_from` that are dead letters
        there: such a record is a dead letter whatever the decoder says now; a new dead letter below
        `dead_letters_from` that is not among them is written, marked `replayed`.
        """

    def ingest(self, batches: Sequence[RawBatch]) -> Ingested:
        """Decode, transform and append. Batches of one partition in order; partitions in parallel. Thread-safe."""

    def flush(self, table: str, topic: str, partition: int, epoch: int) -> None:
        """End the open row group, so that `take` can free it. Nothing is open of a discarded assignment."""

    def take(self, table: str, topic: str, partition: int, epoch: int) -> list[Chunk]:
        """The finished bytes since the last `take`; they leave the engine's memory. None of a discarded assignment."""

    def seal(self, table: str, topic: str, partition: int, epoch: int, metadata: dict[str, str]) -> list[Chunk]:
        """End the file with `metadata` in its footer; the rest of its bytes.

        A file without rows is valid and has the schema. Of a discarded assignment there are no bytes.
        """

    def discard(self, topic: str, partition: int, epoch: int) -> None:
        """Drop what the assignment has open, in every table. Unknown assignments are ignored."""

    def open_files(self) -> list[OpenFile]:
        """What is open now."""

    def memory(self) -> int:
        """Bytes held: open row groups, finished chunks not taken yet."""

    def schema_json(self, table: str) -> str:
        """The table's columns as a JSON list of {name, type, nullable}, in order; types as Arrow prints them."""

    def explain_json(self) -> str:
        """The steps as a JSON list of {type, runs, reads, builds, schema}, in order.

        `runs` is "before text" (on the columns it reads alone, before the others of a record are touched) or
        "on columns"; `reads` and `builds` are the declared names of the columns it reads and of those that exist when
        it runs; `schema` is the table after it, as in `schema_json`, without the sink's own columns.
        """

def check_transforms(config_json: str) -> str:
    """All that is wrong with the transforms of an `Engine`'s configuration, without an engine.

    A JSON list of {step, key, line, column, message}: the step's number from 0, its key (`where`, `cast.tokens`,
    `patterns.1.regex`), and for an expression the place in it, from 1, else null. Raises `NativeError` if anything
    else is wrong with the configuration.
    """

@final
class InferredColumn:
    """One column that a sample has values for."""

    name: str
    """The path's keys joined by underscores, made distinct; never one of the sink's own."""
    path: list[str]
    type: str
    present: int
    """Values in the sample, nulls included; of a repeated key each counts."""
    kinds: dict[str, int]
    """How many are null bool integer wide_integer fraction timestamp string array object; those that there are."""
    reason: str
    """Why this type, in words."""

@final
class Inferred:
    """What a sample says about columns."""

    columns: list[InferredColumn]
    """In the order of the first sight of their keys; at most 1000."""
    records: int
    """Values that are acceptable records."""
    rejections: list[Rejection]
    """Of the others; `offset` is the value's index."""

def infer_schema(values: Sequence[bytes], decode_json: str) -> Inferred:
    """Columns for records like `values`, in which every value of them fits unchanged; same values, same columns.

    `decode_json` is `decode` of the engine's config. Objects become columns of their members, arrays lists, objects of
    more than 64 different keys maps; what agrees with no type, or is always null, is json.
    """

def parse_toml(text: str) -> tuple[str, dict[str, tuple[int, int]]]:
    """TOML as a JSON object (dates as strings), and where each key stands.

    Positions: dotted path (`sink.cut.bytes`, `transform.0.where`; segments with a dot are quoted) -> (line, column),
    from 1. Raises `TomlError`.
    """

def build_info() -> dict[str, str]:
    """version, profile, target, arrow and parquet versions."""
