"""Frames: written once, then read by many, in memory that is used again."""

from __future__ import annotations

import gc
import sys
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from penstock._native import Frame, FramePool

if TYPE_CHECKING:
    from typing_extensions import Buffer

MEBIBYTE = 1024 * 1024


def filled(frame: Frame, data: bytes) -> memoryview:
    """The frozen frame with `data` in it."""
    view = memoryview(frame)
    view[: len(data)] = data
    view.release()
    frame.freeze()
    return memoryview(frame)


def address(view: Buffer) -> int:
    return int(pa.py_buffer(view).address)


def test_a_frame_is_written_and_then_never_again() -> None:
    """Every view after `freeze` is read-only, of the bytes that were written."""
    frame = FramePool(MEBIBYTE).take(100_000)
    assert len(frame) == 100_000
    view = filled(frame, b"abc")
    assert view.readonly
    assert view.nbytes == 100_000
    assert bytes(view[:3]) == b"abc"
    with pytest.raises(TypeError):
        view[0] = 1
    with pytest.raises(TypeError):
        filled(frame, b"abcd")


def test_a_frame_that_somebody_may_write_to_cannot_be_frozen() -> None:
    """Nor one of which only a part of a view is left."""
    frame = FramePool(MEBIBYTE).take(10)
    view = memoryview(frame)
    part = view[2:]
    with pytest.raises(BufferError, match="writable view"):
        frame.freeze()
    view.release()
    del view
    with pytest.raises(BufferError, match="writable view"):
        frame.freeze()
    part.release()
    frame.freeze()
    frame.freeze()


def test_memory_is_used_again_when_the_last_view_is_gone() -> None:
    """Not before; the frame itself need not be there any more."""
    pool = FramePool(64 * MEBIBYTE)
    view = filled(pool.take(3 * MEBIBYTE), b"first")[1:4]
    first = address(view)
    gc.collect()
    other = filled(pool.take(3 * MEBIBYTE), b"other")
    assert address(other) not in range(first - 1, first + 3 * MEBIBYTE)
    assert bytes(view) == b"irs"
    assert (pool.taken, pool.reused) == (2, 0)
    in_use = pool.bytes_in_use
    del view
    assert pool.bytes_in_use == in_use // 2
    assert pool.bytes_kept == in_use // 2
    assert address(memoryview(pool.take(3 * MEBIBYTE - 5000))) == first - 1
    assert (pool.taken, pool.reused) == (3, 1)


def test_a_small_frame_does_not_take_the_memory_of_a_large_one() -> None:
    """A large one would have to wait for it."""
    pool = FramePool(64 * MEBIBYTE)
    pool.take(16 * MEBIBYTE)
    assert pool.bytes_kept == 16 * MEBIBYTE
    small = pool.take(100)
    assert pool.reused == 0
    large = pool.take(16 * MEBIBYTE)
    assert pool.reused == 1
    del small, large


@pytest.mark.parametrize("size", [0, 1, 65_536, 65_537, 3 * MEBIBYTE + 1, 8 * MEBIBYTE, 100 * MEBIBYTE + 7])
def test_little_more_memory_is_used_than_asked_for(size: int) -> None:
    """At most a quarter, or the smallest frame."""
    pool = FramePool(0)
    frame = pool.take(size)
    assert len(frame) == size
    assert memoryview(frame).nbytes == size
    assert size <= pool.bytes_in_use <= max(65_536, size * 5 // 4)


def test_a_pool_keeps_no_more_than_its_limit() -> None:
    """What is in use counts; what was not used for longest is given back to the system."""
    pool = FramePool(4 * MEBIBYTE)
    frames = [pool.take(MEBIBYTE) for _ in range(6)]
    assert pool.bytes_in_use == 6 * MEBIBYTE  # more than the limit, if it is asked for
    while frames:
        frames.pop()
        assert pool.bytes_kept + pool.bytes_in_use <= max(4 * MEBIBYTE, pool.bytes_in_use)
    assert (pool.bytes_kept, pool.bytes_in_use) == (4 * MEBIBYTE, 0)


def test_a_frame_outlives_its_pool() -> None:
    """Its memory is freed with it."""
    view = filled(FramePool(MEBIBYTE).take(MEBIBYTE), b"abc")
    gc.collect()
    assert bytes(view[:3]) == b"abc"


def test_what_cannot_be_had_is_a_memory_error() -> None:
    """Of a size that no machine has."""
    with pytest.raises(MemoryError, match="no memory for a frame"):
        FramePool(0).take(sys.maxsize)
