"""The Rust core, as Python sees it. Private: only `penstock` modules import it.

Every call that computes releases the GIL. Nothing here does I/O or logs.
"""

from collections.abc import Sequence
from typing import Any, Self, final

from typing_extensions import Buffer

from penstock.batch import RawBatch

__all__ = [
    "Batch",
    "Chunk",
    "DecodeReport",
    "Decoded",
    "Decoder",
    "Engine",
    "Fault",
    "Frame",
    "FramePool",
    "Inferred",
    "InferredColumn",
    "Ingested",
    "NativeError",
    "OffsetRejection",
    "OpenFile",
    "Records",
    "Rejection",
    "Report",
    "TomlError",
    "build_info",
    "check_transforms",
    "count_lines",
    "infer_schema",
    "parse_toml",
    "read_batches",
    "scan_batches",
]

class NativeError(Exception):
    """The core could not do its work: a bug or an impossible configuration, never a bad record."""

class TomlError(ValueError):
    """Not TOML. `args == (message, line, column)`, both from 1."""

@final
class OffsetRejection:
    """One record of a raw batch that is not a row."""

    index: int
    """Which of the batch's records it is, from 0."""
    offset: int
    code: str
    """One of empty_value invalid_json invalid_utf8 lone_surrogate not_an_object too_deep too_large missing_required."""
    byte_position: int
    message: str

@final
class Fault:
    """A batch of a frame that can't be taken."""

    offset: int
    """The first offset that was not taken."""
    code: str
    """One of old_magic unknown_magic invalid_length checksum_mismatch invalid_header misplaced_batch leader_epoch_fell
    unknown_codec invalid_compression decompressed_too_large invalid_record trailing_bytes invalid_marker."""
    message: str
    """Where it is and what is wrong with it, in words; nothing of what it holds."""

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
    next_offset: int
    """End of what was taken of the batch: its own, or lower under a `limit`, at a `fault`, and after a batch of the
    same assignment of which not all was taken."""
    fault: Fault | None
    """Why no more was taken of a frame. Its records before that are good, and count."""
    control_batches: int
    """Of a frame: markers of transactions and the like."""
    aborted_records: int
    """Of a frame: records of aborted transactions, which count nowhere else."""
    decompressed_bytes: int
    """Of a frame: what came out of its compressed batches."""

@final
class Batch:
    """An Arrow record batch, by the PyCapsule interface: its columns are handed over, not copied.

    `pyarrow.record_batch(batch)`, `polars.DataFrame(batch)`, `duckdb.sql("FROM batch")` and others take it, any number
    of times. If a consumer asks for other types (`requested_schema`), columns are cast where that is possible.
    """

    def __len__(self) -> int: ...
    def __arrow_c_array__(self, requested_schema: object | None = None) -> tuple[object, object]: ...
    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...
    def __arrow_c_schema__(self) -> object: ...

@final
class Ingested:
    """The result of one `ingest`, in the order of the batches that went in."""

    reports: list[Report]
    rejections: list[list[OffsetRejection]]
    """Per batch, in offset order."""
    batches: list[Batch]
    """Per batch its rows; only with `"batches": true` in the engine's config."""

@final
class Chunk:
    """Bytes of a data file, by the buffer protocol (`memoryview(chunk)`), read-only, without a copy."""

    start: int
    """Where in the file its first byte is."""

    def __buffer__(self, flags: int, /) -> memoryview: ...
    def __len__(self) -> int: ...

@final
class Frame:
    """Memory that one answer of a broker is received into, by the buffer protocol (`memoryview(frame)`).

    Writable until `freeze`, then read-only for ever. When the last view of it is gone its memory goes back to its pool.
    """

    def __buffer__(self, flags: int, /) -> memoryview: ...
    def __len__(self) -> int: ...
    def freeze(self) -> None:
        """From now on nobody can write to it. `BufferError` while there is a writable view."""

@final
class FramePool:
    """Gives out frames and takes their memory back, to give it out again.

    Keeps at most `limit_bytes`, those in use counted in; more are in use only if more are asked for.
    """

    bytes_in_use: int
    bytes_kept: int
    """Not in use, for the next frames."""
    taken: int
    """Frames given out so far."""
    reused: int
    """How many of them in memory that was used before."""

    def __new__(cls, limit_bytes: int) -> Self: ...
    def take(self, size: int) -> Frame:
        """A writable frame of `size` bytes, of any value. `MemoryError`."""

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
      slab_bytes    int: what may be kept, between calls, of the memory that batches are decompressed into
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
        """Decode, transform and append. Batches of one partition in order; partitions in parallel. Thread-safe.

        A frame's data is not copied if it is of `bytes` or of a frozen `Frame`, and not held any more afterwards.
        """

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
        """Bytes held: open row groups, finished chunks not taken yet, what is kept to decompress into."""

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
class Rejection:
    """One record of a call of the decoder that is not a row."""

    index: int
    """Which of the call's records it is, from 0; lines that are blank are none."""
    code: str
    """One of empty_value invalid_json invalid_utf8 lone_surrogate not_an_object too_deep too_large missing_required."""
    byte_position: int
    """Where in the record, in bytes. A record that ends too early has its length here."""
    message: str
    """What is wrong, in words; nothing of the record beyond a byte or a column's name."""
    line: int | None
    """Of newline-delimited JSON: the number of its line, from 1."""
    input_position: int | None
    """Of newline-delimited JSON: `byte_position` in the input as a whole."""

@final
class DecodeReport:
    """Counts of one call of the decoder; `records == rows + rejected + tombstones`."""

    records: int
    rows: int
    rejected: int
    tombstones: int
    bytes: int
    """Bytes of the records, without line ends."""
    drift: dict[str, int]
    """What rows' records held beside values that fit, by reason: type_mismatch out_of_range unknown_key duplicate_key
    replaced_text coerced filter_undecided."""

@final
class Decoded:
    """What became of one call's records."""

    batch: Batch
    """The rows, in the order of their records: declared columns, then `_residue`."""
    rejections: list[Rejection]
    """In the order of the records."""
    report: DecodeReport

@final
class Decoder:
    """Decodes records by one configuration. Threads may share it.

    `config_json` has `columns` and `decode` of an `Engine`'s; without columns a record is all residue. `strings` is
    "view", "utf8" or "large_utf8". Raises `ValueError` naming the key that is wrong.
    """

    def __new__(cls, config_json: str, strings: str) -> Self: ...
    def decode(self, data: Sequence[bytes | bytearray | None] | Buffer) -> Decoded:
        """One value per record, or newline-delimited JSON; what `penstock.Decoder.decode` says."""

    def __arrow_c_schema__(self) -> object:
        """The schema of every batch."""

    @staticmethod
    def columns_of(schema: object) -> list[tuple[str, str, bool]]:
        """`(name, type, required)` of each field of an Arrow schema, which is anything with `__arrow_c_schema__`.

        Required is what is not nullable. `ValueError` for the first field that no column type stands for.
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
    """Of the others."""

def count_lines(data: Buffer, most: int) -> tuple[int, int]:
    """How many records newline-delimited JSON has, `most` at most, and where the line of the last of these ends.

    Blank lines are no records; a last line without LF is one. Bytes that can't change are not copied.
    """

def infer_schema(
    data: Sequence[bytes | bytearray | None] | Buffer, decode_json: str, most_records: int | None = None
) -> Inferred:
    """Columns for records like the first of `data`, in which all their values fit unchanged; same values, same columns.

    `data` is as for a `Decoder`, `decode_json` is `decode` of the engine's config. Objects become columns of their
    members, arrays lists, objects of more than 64 different keys maps; what agrees with no type, or is always null, is
    json.
    """

def parse_toml(text: str) -> tuple[str, dict[str, tuple[int, int]]]:
    """TOML as a JSON object (dates as strings), and where each key stands.

    Positions: dotted path (`sink.cut.bytes`, `transform.0.where`; segments with a dot are quoted) -> (line, column),
    from 1. Raises `TomlError`.
    """

def build_info() -> dict[str, str]:
    """version, profile, target, arrow and parquet versions."""

def scan_batches(data: Buffer) -> tuple[int, int | None, int, bool]:
    """What the headers of fetched record batches say, unchecked: `(complete_bytes, next_offset, records, magic_ok)`.

    The bytes up to the end of the last whole batch, or all if one is damaged, which reading it tells; the offset after
    the last whole batch, if there is one; how many records there are at most. Without `magic_ok` a message of an older
    format follows.
    """

@final
class Records:
    """How many records are in fetched batches; they are read again when asked for. For tests and benchmarks."""

    count: int
    value_bytes: int
    next_offset: int
    fault: Fault | None

    def crc(self, before: int = 0) -> int:
        """Of all values, one after the other: `zlib.crc32(value, zlib.crc32(len(value).to_bytes(4), before))`.

        The length of a null is -1.
        """

    def columns(self) -> dict[str, list[Any]]:
        """Copies of `offsets timestamps values keys headers`; headers as tuples of pairs, their keys as bytes."""

def read_batches(entries: Sequence[tuple[Buffer, int, Sequence[tuple[int, int]], bool]], threads: int) -> list[Records]:
    """Read record batches as a broker sent them, each by itself, on so many threads.

    An entry is `(data, fetch_offset, aborted, read_committed)`; `aborted` is producer id and first offset of aborted
    transactions. Data that can't change is not copied.
    """
