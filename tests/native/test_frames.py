"""Frames through the engine: the same rows, rejections, counts and dead letters as records that Python took apart."""

from __future__ import annotations

import gc
import io
import json
import random
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from penstock._native import Engine, FramePool, Report
from tests.broker.records import COLUMNS, DECODE, records
from tests.native.frames import CODECS, Message, abort_marker, as_columns, as_frame, record_batch

if TYPE_CHECKING:
    from penstock._native import Ingested
    from penstock.batch import RawBatch

STEPS = [
    {"type": "filter", "where": "level IS NULL OR level <> 'debug'"},
    {"type": "redact", "columns": ["event_id"], "whole": True, "mode": "hash", "key": "00" * 16},
]


def engine(**config: Any) -> Engine:
    """With the tests' usual columns, a filter and a redaction."""
    declared: dict[str, Any] = dict(COLUMNS)
    columns = [
        {"name": name, "path": [name]} | ({"type": column} if isinstance(column, str) else column)
        for name, column in declared.items()
    ]
    decode = {name: value for name, value in DECODE.items() if name != "format"}
    made = Engine(json.dumps({"columns": columns, "decode": decode, "transform": STEPS} | config), 2)
    made.open("events", 0, 1, 0, None)
    return made


def messages(count: int, seed: int = 1) -> list[Message]:
    """Of every kind: rows, tombstones, dead letters; some with headers."""
    chance = random.Random(seed)
    return [
        Message(
            record.value,
            record.key if chance.random() < 0.9 else None,
            [("trace", b"\xff\x00"), ("trace", None), ("", b"")][: chance.randrange(4)],
            1_700_000_000_000 + chance.randrange(10_000),
        )
        for record in records(count, seed)
    ]


def files(made: Engine) -> dict[str, pa.Table]:
    """Everything that was appended, without the moment of the rejection."""
    found = {}
    for table in ("main", "dead_letter"):
        sealed = made.seal(table, "events", 0, 1, {})
        found[table] = pq.read_table(io.BytesIO(b"".join(map(memoryview, sealed))))
    found["dead_letter"] = found["dead_letter"].drop_columns(["rejected_at"])
    return found


def told(ingested: Ingested) -> list[Any]:
    """Reports and rejections as plain values."""
    names = ("records", "rows", "dead_letters", "filtered", "tombstones", "bytes", "drift", "redacted", "next_offset")
    reports = [{name: getattr(report, name) for name in names} for report in ingested.reports]
    rejections = [
        [(found.index, found.offset, found.code, found.byte_position, found.message) for found in of_batch]
        for of_batch in ingested.rejections
    ]
    return [reports, rejections]


def only(ingested: Ingested) -> Report:
    (report,) = ingested.reports
    return report


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("per_batch", [1, 7, 500])
def test_a_frame_gives_what_its_records_give(codec: str, per_batch: int) -> None:
    """Row for row, byte for byte of the dead letters, whatever the codec and the size of the batches."""
    sent = messages(500)
    data = b"".join(
        record_batch(sent[start : start + per_batch], 40 + start, codec=codec) for start in range(0, 500, per_batch)
    )
    by_frame, by_columns = engine(), engine()
    frame, columns = by_frame.ingest([as_frame(data, 40, 540)]), by_columns.ingest([as_columns(sent, 40)])
    assert told(frame) == told(columns)
    report = only(frame)
    assert min(report.rows, report.dead_letters, report.filtered, report.tombstones) > 0
    assert (report.fault, report.decompressed_bytes > 0) == (None, codec != "none")
    assert files(by_frame) == files(by_columns)


def test_batches_of_several_codecs_share_a_frame() -> None:
    """A topic's producers need not agree; texts then lie in the frame and in slabs by turns."""
    sent, codecs = messages(300), list(CODECS)
    data = b"".join(
        record_batch(sent[start : start + 10], start, codec=codecs[start // 10 % len(codecs)])
        for start in range(0, 300, 10)
    )
    by_frame, by_columns = engine(), engine()
    assert told(by_frame.ingest([as_frame(data, 0, 300)])) == told(by_columns.ingest([as_columns(sent)]))
    assert files(by_frame) == files(by_columns)


@pytest.mark.parametrize("limit", [0, 1, 9, 10, 11, 29, 30, 31])
def test_a_limit_cuts_a_frame_at_a_record(limit: int) -> None:
    """As it cuts columns; what is left out is where the outcome says."""
    sent = messages(30)
    data = b"".join(record_batch(sent[start : start + 10], start) for start in range(0, 30, 10))
    by_frame, by_columns = engine(), engine()
    frame = by_frame.ingest([as_frame(data, 0, 30, limit=limit)])
    assert told(frame) == told(by_columns.ingest([as_columns(sent, limit=limit)]))
    assert (only(frame).records, only(frame).next_offset) == (min(limit, 30), min(limit, 30))
    rest = as_frame(data, min(limit, 30), 30)
    assert told(by_frame.ingest([rest])) == told(by_columns.ingest([as_columns(sent[limit:], min(limit, 30))]))
    assert files(by_frame) == files(by_columns)


def padded(count: int) -> list[Message]:
    """Compressed to a hundredth: what comes out is far larger than what is taken up at once."""
    pad = "x" * 8000
    values = [
        b"{" if number % 97 == 5 else b'{"event_id":"%d","level":"info","pad":"%s"}' % (number, pad.encode())
        for number in range(count)
    ]
    return [Message(value, b"key %d" % number) for number, value in enumerate(values)]


@pytest.mark.parametrize("limit", [None, 1234])
@pytest.mark.parametrize("codec", ["gzip", "zstd"])
def test_a_frame_larger_than_a_portion_is_taken_in_several(codec: str, limit: int | None) -> None:
    """Which nobody sees: not in counts, nor in the numbers of rejections, nor in the files."""
    sent = padded(1500)
    data = b"".join(record_batch(sent[start : start + 30], 7 + start, codec=codec) for start in range(0, 1500, 30))
    lax: dict[str, Any] = {"decode": {"residue": True}}
    by_frame, by_columns = engine(**lax), engine(**lax)
    frame = by_frame.ingest([as_frame(data, 7, 1507, limit=limit)])
    assert told(frame) == told(by_columns.ingest([as_columns(sent, 7, limit=limit)]))
    assert only(frame).decompressed_bytes > 8 << 20
    assert files(by_frame) == files(by_columns)
    frame = engine(batches=True, **lax).ingest([as_frame(data, 7, 1507, limit=limit)])
    columns = engine(batches=True, **lax).ingest([as_columns(sent, 7, limit=limit)])
    assert pa.record_batch(frame.batches[0]) == pa.record_batch(columns.batches[0])


def test_memory_to_decompress_into_is_kept_within_bounds() -> None:
    """However much comes out of a frame; none of it without leave."""
    data = b"".join(record_batch(padded(1500)[start : start + 30], start, codec="zstd") for start in range(0, 1500, 30))
    for allowed in (0, 64 << 20):
        made = engine(batches=True, slab_bytes=allowed, decode={"residue": True})
        made.ingest([as_frame(data, 0, 1500)])
        assert made.memory() <= min(allowed, 12 << 20)


def test_a_transaction_that_was_aborted_is_left_out_over_portions() -> None:
    """Also where it began in an earlier one; what the same producer commits afterwards stays."""
    sent, data, offset = padded(1500), b"", 0
    kept = []
    for start in range(0, 1500, 30):
        part, aborted = sent[start : start + 30], start < 900
        data += record_batch(part, offset, codec="zstd", producer=4)
        kept += [] if aborted else list(range(offset, offset + 30))
        offset += 30
        if start == 870:
            data += abort_marker(4, offset)
            offset += 1
    made = engine(decode={"residue": True})
    report = only(made.ingest([as_frame(data, 0, offset, aborted=[(4, 0)])]))
    assert (report.records, report.aborted_records, report.control_batches) == (600, 900, 1)
    assert (report.next_offset, report.fault) == (offset, None)
    places = [table.column("kafka_offset").to_pylist() for table in files(made).values()]
    assert sorted(places[0] + places[1]) == kept


def test_after_a_batch_that_is_not_taken_whole_nothing_is_taken() -> None:
    """Within a call: what follows would leave a gap."""
    sent = messages(20)
    made = engine()
    first, second = (
        as_frame(record_batch(sent[start : start + 10], start), start, start + 10, limit=limit)
        for start, limit in ((0, 4), (10, None))
    )
    reports = made.ingest([first, second]).reports
    assert [(report.records, report.next_offset) for report in reports] == [(4, 4), (0, 10)]


def test_what_lies_before_a_damaged_batch_is_kept() -> None:
    """The outcome says where it goes on and what is wrong, without what the batch holds."""
    sent = messages(30)
    parts = [record_batch(sent[start : start + 10], start) for start in range(0, 30, 10)]
    damaged = bytearray(parts[1])
    damaged[-5] ^= 1
    data = parts[0] + bytes(damaged) + parts[2]
    by_frame, by_columns = engine(), engine()
    report = only(by_frame.ingest([as_frame(data, 0, 30)]))
    by_columns.ingest([as_columns(sent[:10])])
    assert (report.records, report.next_offset) == (10, 10)
    assert report.fault is not None
    assert (report.fault.offset, report.fault.code) == (10, "checksum_mismatch")
    assert "batch at offset 10" in report.fault.message
    # It was a bit on the wire: fetched again, it is good.
    report = only(by_frame.ingest([as_frame(parts[1] + parts[2], 10, 30)]))
    by_columns.ingest([as_columns(sent[10:], 10)])
    assert (report.records, report.fault) == (20, None)
    assert files(by_frame) == files(by_columns)


def test_a_leader_epoch_that_falls_is_a_fault_of_its_own() -> None:
    """Also from one call to the next."""
    sent, made = messages(10), engine()
    assert only(made.ingest([as_frame(record_batch(sent, 0, leader_epoch=5), 0, 10)])).fault is None
    report = only(made.ingest([as_frame(record_batch(sent, 10, leader_epoch=4), 10, 20)]))
    assert report.fault is not None
    assert (report.fault.code, report.next_offset, report.records) == ("leader_epoch_fell", 10, 0)


def test_verdicts_rule_the_records_of_a_frame_too() -> None:
    """A record that is a dead letter already gives no row."""
    sent = [Message(b'{"event_id":"%d","level":"info"}' % number) for number in range(4)]
    tables = []
    for batch in (as_frame(record_batch(sent), 0, 4), as_columns(sent)):
        made = engine()
        made.discard("events", 0, 1)
        made.open("events", 0, 2, 3, [1, 3])
        report = only(made.ingest([_in_epoch(batch, 2)]))
        assert (report.rows, report.dead_letters) == (3, 1)
        tables.append(pq.read_table(io.BytesIO(b"".join(map(memoryview, made.seal("main", "events", 0, 2, {}))))))
    assert tables[0] == tables[1]
    assert tables[0].column("kafka_offset").to_pylist() == [0, 2, 3]


def test_rows_of_a_frame_are_handed_back_and_hold_none_of_it() -> None:
    """A dry run's rows outlive the frame."""
    sent = messages(50)
    data = record_batch(sent, codec="zstd")
    ingested = engine(batches=True).ingest([_received(data, FramePool(1 << 20), 50)])
    expected = engine(batches=True).ingest([as_columns(sent)])
    assert pa.record_batch(ingested.batches[0]) == pa.record_batch(expected.batches[0])


@pytest.mark.parametrize("batches", [False, True])
@pytest.mark.parametrize("codec", ["none", "zstd"])
def test_a_frame_is_free_when_the_call_returns(codec: str, *, batches: bool) -> None:
    """Not a view of it is left, so its memory goes back to the pool with Python's own reference."""
    sent, pool = messages(200), FramePool(1 << 22)
    made = engine(batches=batches)
    batch = _received(record_batch(sent, codec=codec), pool, 200)
    assert pool.bytes_in_use > 0
    ingested = made.ingest([batch])
    del batch
    gc.collect()
    assert pool.bytes_in_use == 0
    assert only(ingested).records == 200


def test_data_that_may_change_is_copied() -> None:
    """A bytearray, and a frame that is still written to: decoded as they were."""
    sent = messages(20)
    data = record_batch(sent)
    for lent in (bytearray(data), _filled(data, FramePool(1 << 20))):
        made = engine()
        assert only(made.ingest([as_frame(lent, 0, 20)])).records == 20


def test_a_value_in_another_encoding_is_rejected_alone() -> None:
    """Its neighbours in the block stay rows; what lies between values is never taken for text."""
    sent = [Message(b'{"event_id":"\xc3\xa9%d"}' % number, key=b"\xff\xfe" * 40) for number in range(100)]
    sent[50] = Message(b'{"event_id":"\xff"}')
    ingested = engine().ingest([as_frame(record_batch(sent), 0, 100)])
    assert (only(ingested).rows, [found.code for found in ingested.rejections[0]]) == (99, ["invalid_utf8"])


def test_cut_data_ends_at_its_last_whole_batch() -> None:
    """The source cuts it off; the core does not mind."""
    sent = messages(20)
    data = record_batch(sent[:10]) + record_batch(sent[10:], 10)
    report = only(engine().ingest([as_frame(data[:-1], 0, 20)]))
    assert (report.next_offset, report.fault) == (10, None)


def _in_epoch(batch: RawBatch, epoch: int) -> RawBatch:
    return replace(batch, epoch=epoch)


def _filled(data: bytes, pool: FramePool) -> Any:
    frame = pool.take(len(data))
    with memoryview(frame) as view:
        view[:] = data
    return frame


def _received(data: bytes, pool: FramePool, records: int) -> RawBatch:
    frame = _filled(data, pool)
    frame.freeze()
    return as_frame(frame, 0, records)
