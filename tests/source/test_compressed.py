"""Compressed files are read whole, piece by piece, or up to where they are damaged."""

from __future__ import annotations

import gzip
import io
import sys
import zlib
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.source.compressed import DamagedError, decompressed

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

if TYPE_CHECKING:
    from collections.abc import Callable

COMPRESS: dict[str, Callable[[bytes], bytes]] = {".gz": gzip.compress, ".zst": zstd.compress}
KINDS = pytest.mark.parametrize("kind", COMPRESS)
TEXT = b"".join(b'{"n": %d}\n' % number for number in range(50_000))


def read(data: bytes, kind: str, size: int = 100_000) -> bytes:
    """All of it; raises with what was read before as argument."""
    stream = decompressed(io.BytesIO(data), f"events.ndjson{kind}")
    found = b""
    try:
        while block := stream.read(size):
            assert len(block) <= size
            found += block
    except DamagedError as error:
        raise ValueError(str(error), found) from error
    return found


@KINDS
@given(parts=st.lists(st.binary(max_size=3000), max_size=4), size=st.integers(1, 5000))
def test_members_and_frames_are_read_as_one(kind: str, parts: list[bytes], size: int) -> None:
    """As `cat` joins them, empty ones among them."""
    assert read(b"".join(map(COMPRESS[kind], parts)), kind, size) == b"".join(parts)


@KINDS
def test_an_answer_of_exactly_the_asked_size_is_not_the_end(kind: str) -> None:
    """What the decompressor still holds then comes with the next read."""
    assert read(COMPRESS[kind](TEXT), kind, size=len(TEXT) // 7) == TEXT


@KINDS
@pytest.mark.parametrize("missing", [1, 4, 100, 20_000])
def test_a_cut_off_file_is_good_up_to_its_end(kind: str, missing: int) -> None:
    """Everything that can be decompressed is read first."""
    data = COMPRESS[kind](TEXT) if kind == ".gz" else zstd.compress(TEXT, 1)
    with pytest.raises(ValueError, match="cut off") as caught:
        read(data[: -min(missing, len(data) // 2)], kind)
    found = caught.value.args[1]
    assert TEXT.startswith(found)
    assert kind == ".zst" or len(found) >= len(TEXT) * 0.4


@KINDS
def test_a_good_member_before_a_cut_off_one_is_read(kind: str) -> None:
    """Two were joined, and the second did not arrive whole."""
    data = COMPRESS[kind](TEXT)
    with pytest.raises(ValueError, match="cut off") as caught:
        read(data + data[:-3], kind)
    assert caught.value.args[1].startswith(TEXT)


@KINDS
def test_other_content_is_damage(kind: str) -> None:
    """A plain file with the suffix, or rubbish behind a good one."""
    for data in (b'{"n": 1}\n', COMPRESS[kind](TEXT) + b"rubbish that is no member"):
        with pytest.raises(ValueError, match="damaged"):
            read(data, kind)


def test_flipped_bits_are_damage() -> None:
    """gzip has a checksum."""
    data = bytearray(gzip.compress(TEXT))
    data[-6] ^= 1
    with pytest.raises(ValueError, match="damaged"):
        read(bytes(data), ".gz")


def test_zeros_after_gzip_are_padding() -> None:
    """As the gzip program has it."""
    assert read(gzip.compress(TEXT) + bytes(200_000), ".gz") == TEXT


@KINDS
def test_an_empty_file_has_nothing(kind: str) -> None:
    """No bytes at all: no records, no damage."""
    assert read(b"", kind) == b""


@KINDS
def test_a_bomb_is_handed_over_in_bounded_pieces(kind: str) -> None:
    """A quarter of a gibibyte in a file of some kilobytes never is in memory at once."""
    part = zlib.compress(bytes(2**24), wbits=31) if kind == ".gz" else zstd.compress(bytes(2**24))
    stream = decompressed(io.BytesIO(part * 16), f"bomb{kind}")
    total = 0
    while block := stream.read(2**20):
        assert len(block) <= 2**20
        total += len(block)
    assert total == 2**28
