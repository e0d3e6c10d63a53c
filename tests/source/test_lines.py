"""Lines to records, whatever the blocks they come in."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock._native import count_lines
from penstock.source import lines
from penstock.source.lines import BLOCK_BYTES, Lines, counted, records_of

CONTENT = st.lists(st.sampled_from([b"\n", b"\r", b"\r\n", b"a", b"{}", b"\n\n", b"\xff"]), max_size=30).map(b"".join)


def blocks(content: bytes, cuts: list[int]) -> list[bytes]:
    """`content` in pieces; none is empty."""
    places = sorted({0, len(content), *(cut % (len(content) + 1) for cut in cuts)})
    return [content[start:end] for start, end in itertools.pairwise(places)]


def records(data: bytes | memoryview) -> list[bytes]:
    """Those of whole lines, whose number is known without making them."""
    found = records_of(data)
    assert len(found) == counted(data).count
    return found


def expected(content: bytes) -> list[bytes]:
    """The rule, written the slow way."""
    stripped = [line.removesuffix(b"\r") for line in content.split(b"\n")]
    return [line for line in stripped if line]


@given(CONTENT, st.lists(st.integers(0, 100), max_size=6))
def test_blocks_do_not_matter(content: bytes, cuts: list[int]) -> None:
    """The same records, however the content is cut into blocks."""
    splitter = Lines(1000)
    found = [record for block in blocks(content, cuts) for record in records(splitter.feed(block))]
    assert found + records(splitter.end()) == expected(content)


@given(CONTENT, st.integers(0, 40))
def test_counting_is_splitting(content: bytes, most: int) -> None:
    """Records may be passed over without being made: their number and the later ones stay what they are."""
    passed, end = count_lines(content, most)
    assert passed == min(most, len(expected(content)))
    assert expected(content[end:]) == expected(content)[passed:]
    assert not passed or len(expected(content[:end])) == passed


@given(st.integers(1, 60), st.lists(st.integers(0, 200), max_size=8), st.sampled_from([b"\n", b"\r\n"]))
def test_a_line_is_cut_only_where_it_is_too_long(length: int, cuts: list[int], end: bytes) -> None:
    """Longer than a block and than the limit: cut, and still longer than the limit. Others are whole."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "BLOCK_BYTES", 16)
        splitter = Lines(20)
    content = b"x" * length + end + b"next" + end
    pieces = [piece[start : start + 16] for piece in blocks(content, cuts) for start in range(0, len(piece), 16)]
    first, second = [record for block in pieces for record in records(splitter.feed(block))]
    assert second == b"next"
    assert first == b"x" * length if length <= 20 else 20 < len(first) <= min(length, 22)


def test_a_huge_line_is_held_in_bounded_memory() -> None:
    """A hundred blocks without a line end leave little more than one behind."""
    splitter = Lines(1000)
    block = b"x" * BLOCK_BYTES
    for _ in range(100):
        assert records(splitter.feed(block)) == []
    (record,) = records(splitter.feed(b"\n"))
    assert BLOCK_BYTES < len(record) <= BLOCK_BYTES + 2
