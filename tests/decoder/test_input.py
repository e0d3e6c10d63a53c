"""What can be decoded, and what is said about everything else."""

from __future__ import annotations

import array
import io
import mmap
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from penstock import Decoder, infer_schema

if TYPE_CHECKING:
    from pathlib import Path

    from penstock import Decoded

LINES = b'{"n":1}\n\r\n{"n":\r\n\n{"n":2,"z":0}\r\n[]\n \n{"n":3}'


def decoder() -> Decoder:
    return Decoder({"n": "int64"})


def numbers(decoded: Decoded) -> list[int]:
    found: list[int] = pa.record_batch(decoded.batch).column("n").to_pylist()
    return found


def mapped(path: Path, text: bytes, access: int = mmap.ACCESS_READ) -> mmap.mmap:
    path.write_bytes(text)
    with path.open("r+b") as file:
        return mmap.mmap(file.fileno(), 0, access=access)


def test_a_list_has_one_record_per_value() -> None:
    """None is a tombstone: counted, and no row. What is bad is a value of the result."""
    decoded = decoder().decode([b'{"n":1}', None, b'{"n":', bytearray(b'{"n":"x","z":0}'), b"", b"7"])
    assert numbers(decoded) == [1, None]
    assert [(found.index, found.code, found.byte_position) for found in decoded.rejections] == [
        (2, "invalid_json", 5),
        (4, "empty_value", 0),
        (5, "not_an_object", 0),
    ]
    assert {(found.line, found.input_position) for found in decoded.rejections} == {(None, None)}
    report = decoded.report
    assert (report.records, report.rows, report.rejected, report.tombstones) == (6, 2, 3, 1)
    assert report.bytes == len(b'{"n":1}{"n":{"n":"x","z":0}7')
    assert (report.drift["type_mismatch"], report.drift["unknown_key"]) == (1, 1)


@pytest.mark.parametrize("values", [(b'{"n":1}',), [b'{"n":1}'], [bytearray(b'{"n":1}')]], ids=str)
def test_values_are_any_sequence(values: Any) -> None:
    """Tuples too."""
    assert numbers(decoder().decode(values)) == [1]


def test_no_record_is_no_row() -> None:
    """The schema is there all the same."""
    for data in ([], b"", b"\n\r\n", [None]):
        decoded = decoder().decode(data)
        assert pa.record_batch(decoded.batch).schema == decoder().schema
        assert (len(decoded.batch), decoded.rejections, decoded.report.rows) == (0, [], 0)


def test_lines_have_numbers_and_places() -> None:
    """Blank lines are no records but count as lines; CRLF is a line's end; the last line needs none."""
    decoded = decoder().decode(LINES)
    assert numbers(decoded) == [1, 2, 3]
    assert [(found.index, found.line, found.code) for found in decoded.rejections] == [
        (1, 3, "invalid_json"),
        (3, 6, "not_an_object"),
        (4, 7, "invalid_json"),
    ]
    for found in decoded.rejections:
        assert found.input_position is not None
        start = found.input_position - found.byte_position
        assert LINES[:start].count(b"\n") + 1 == found.line
        assert start in (0, LINES.rindex(b"\n", 0, start) + 1)
    assert decoded.rejections[0].byte_position == len(b'{"n":')
    assert decoded.report.records == 6
    assert decoded.report.bytes == len(LINES) - LINES.count(b"\n") - LINES.count(b"\r")


def test_every_buffer_of_bytes_is_lines(tmp_path: Path) -> None:
    """Maps of files among them, read-only or not, and parts of other buffers."""
    around = b"x" + LINES + b"x"
    sources: list[Any] = [
        LINES,
        bytearray(LINES),
        memoryview(LINES),
        memoryview(around)[1:-1],
        memoryview(bytearray(LINES)).toreadonly(),
        array.array("B", LINES),
        pa.py_buffer(LINES),
        io.BytesIO(LINES).getbuffer(),
    ]
    sources += [
        mapped(tmp_path / "events.ndjson", LINES, access)
        for access in (mmap.ACCESS_READ, mmap.ACCESS_WRITE, mmap.ACCESS_COPY)
    ]
    expected = decoder().decode(LINES)
    for source in sources:
        decoded = decoder().decode(source)
        assert numbers(decoded) == [1, 2, 3]
        assert list(map(repr, decoded.rejections)) == list(map(repr, expected.rejections))
        assert infer_schema(source).to_columns() == infer_schema(LINES).to_columns()


@pytest.mark.parametrize("kind", ["bytearray", "view", "map"])
def test_what_may_change_is_copied(kind: str, tmp_path: Path) -> None:
    """Also if a read-only view stands before it: afterwards it may be changed, closed or resized."""
    text = b'{"s":"a text that is longer than a view"}\n'
    array = bytearray(text)
    map_ = mapped(tmp_path / "events.ndjson", text, mmap.ACCESS_WRITE)
    source: Any = {"bytearray": array, "view": memoryview(array).toreadonly(), "map": map_}[kind]
    batch = pa.record_batch(Decoder({"s": "string"}).decode(source).batch)
    array[:] = b"*" * len(text)
    map_[:] = b"*" * len(text)
    map_.close()
    if kind == "view":
        source.release()
    array.clear()
    assert batch.column("s").to_pylist() == ["a text that is longer than a view"]


@pytest.mark.parametrize("source", ["bytes", "view", "map"])
def test_a_batch_outlives_what_it_came_from(source: str, tmp_path: Path) -> None:
    """Whether or not it points into it."""
    text = b'{"s":"a text that is longer than a view"}\n' * 3
    sources: dict[str, Any] = {
        "bytes": lambda: bytes(bytearray(text)),
        "view": lambda: memoryview(bytes(bytearray(text))),
        "map": lambda: mapped(tmp_path / "events.ndjson", text),
    }
    batch = pa.record_batch(Decoder({"s": "string"}).decode(sources[source]()).batch)
    assert batch.column("s").to_pylist() == ["a text that is longer than a view"] * 3


@pytest.mark.parametrize(
    ("data", "error", "words"),
    [
        ("{}", TypeError, r"data is text; pass data\.encode\(\)"),
        ({"n": 1}, TypeError, "data is a dict; pass a list of bytes"),
        (None, TypeError, "data is a NoneType; pass a list of bytes"),
        (iter([b"{}"]), TypeError, "data is a list_iterator; pass a list of bytes"),
        (io.BytesIO(b"{}"), TypeError, r"data is a file; pass data\.read\(\), or an mmap"),
        (array.array("i", [1]), TypeError, "a buffer of items that are not bytes"),
        (memoryview(b"{ } ")[::2], ValueError, r"a buffer with gaps; pass bytes\(data\)"),
        ([b"{}", "{}"], TypeError, r"data\[1\] is a str; a record is bytes, or None"),
        ([{"n": 1}], TypeError, r"data\[0\] is a dict; a record is bytes, or None"),
        ([b"{}", None, 1], TypeError, r"data\[2\] is a int; a record is bytes, or None"),
    ],
)
def test_anything_else_is_one_clear_error(data: Any, error: type[Exception], words: str) -> None:
    """What to pass instead; and the decoder goes on."""
    made = decoder()
    with pytest.raises(error, match=words):
        made.decode(data)
    with pytest.raises(error, match=words):
        infer_schema(data)
    assert numbers(made.decode(LINES)) == [1, 2, 3]


def test_released_and_closed_buffers_say_so(tmp_path: Path) -> None:
    """As Python does."""
    view = memoryview(b"{}")
    view.release()
    with pytest.raises(ValueError, match="released"):
        decoder().decode(view)
    map_ = mapped(tmp_path / "events.ndjson", b"{}")
    map_.close()
    with pytest.raises(ValueError, match="closed"):
        decoder().decode(map_)


def test_a_broken_sequence_is_its_own_error() -> None:
    """What it raises comes through."""

    class Broken(list[bytes]):
        def __iter__(self) -> Any:
            raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        decoder().decode(Broken([b"{}"]))


def test_results_are_frozen_and_printable() -> None:
    """They say what they are without what a record holds."""
    decoded = decoder().decode(b'{"n":1}\nsecret')
    assert repr(decoded) == "<Decoded: 2 records, 1 rows, 1 rejected, 0 tombstones>"
    assert repr(decoded.report) == "<DecodeReport: 2 records, 1 rows, 1 rejected, 0 tombstones>"
    assert repr(decoded.rejections[0]).startswith("<Rejection record 1, line 2: invalid_json at byte 0: ")
    for value, attribute in ((decoded, "batch"), (decoded.report, "rows"), (decoded.rejections[0], "line")):
        with pytest.raises(AttributeError):
            setattr(value, attribute, None)
    assert "secret" not in repr(decoded.rejections) + decoded.rejections[0].message


def test_a_subclass_of_bytes_is_bytes() -> None:
    """As one record, and as lines."""

    class Text(bytes):
        __slots__ = ()

    assert numbers(decoder().decode([Text(b'{"n":5}')])) == [5]
    assert numbers(decoder().decode(Text(b'{"n":5}'))) == [5]
