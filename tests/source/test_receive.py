"""What a broker sends becomes whole responses, however it is cut, and nothing else does."""

from __future__ import annotations

import asyncio
import socket
import struct
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock._native import Frame, FramePool
from penstock.source import low_water
from penstock.source.receive import LARGEST_RESPONSE_BYTES, NotKafkaError, Parts, Receiver, Requests, Responses

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SIZES = st.one_of(st.integers(0, 300), st.integers(65_000, 200_000))
POOL_BYTES = 8 * 1024 * 1024


class Transport(asyncio.Transport):
    """Of no socket."""

    aborted = False

    def get_extra_info(self, name: str, default: Any = None) -> Any:  # noqa: ARG002 - as asyncio has it
        return ("broker", 9092) if name == "peername" else None

    def abort(self) -> None:
        self.aborted = True


class Connected:
    """A receiver on a transport of no socket."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.pool = FramePool(POOL_BYTES)
        self.closed: asyncio.Future[None] = loop.create_future()
        self.responses = Responses(limit=1, loop=loop)
        self.receiver = Receiver(self.pool, self.closed, self.responses, loop=loop)
        self.transport = Transport()
        self.receiver.connection_made(self.transport)

    def send(self, data: bytes, most: int = 1 << 20) -> None:
        """As a loop does: not more at once than the buffer that is lent."""
        while data:
            buffer = self.receiver.get_buffer(-1)
            taken = min(len(buffer), len(data), most)
            buffer[:taken] = data[:taken]
            self.receiver.buffer_updated(taken)
            data = data[taken:]

    def lose(self, error: Exception | None = None) -> None:
        self.receiver.connection_lost(error)


def framed(*responses: bytes) -> bytes:
    return b"".join(struct.pack(">i", len(response)) + response for response in responses)


@settings(deadline=None)
@given(st.lists(SIZES, max_size=6), st.integers(100, 200_000))
def test_responses_are_what_was_sent_however_it_is_cut(sizes: list[int], most: int) -> None:
    """Small ones are bytes, large ones frames that nobody can write to."""
    sent = [(bytes(range(251)) * 800)[:size] for size in sizes]

    async def receive() -> None:
        connected = Connected()
        connected.send(framed(*sent), most)
        for response in sent:
            received = await connected.responses.next()
            assert bytes(received) == response
            assert memoryview(received).readonly
            assert isinstance(received, Frame) == (len(response) > 65_532)
            del received
        assert not connected.responses.at_eof()
        assert connected.pool.bytes_in_use == 0
        connected.lose()
        assert connected.responses.at_eof()

    asyncio.run(receive())


@pytest.mark.parametrize("step", [1, 3, 4, 5, 7])
async def test_no_byte_is_a_special_one(step: int) -> None:
    """The size is cut anywhere, and so is what follows it."""
    sent = [b"", b"a", b"bc", b"x" * 70_000, b"", b"last"]
    connected = Connected()
    connected.send(framed(*sent), step)
    assert [bytes(await connected.responses.next()) for _ in sent] == sent


@pytest.mark.parametrize("size", [-1, -(2**31), LARGEST_RESPONSE_BYTES + 1, 0x15030300, int.from_bytes(b"HTTP", "big")])
async def test_what_is_no_response_ends_the_connection(size: int) -> None:
    """A TLS alert and an HTTP answer are among them; no memory is taken. What came before is good."""
    connected = Connected()
    connected.send(framed(b"good") + struct.pack(">i", size) + b"more")
    assert connected.transport.aborted
    assert connected.pool.taken == 0
    connected.lose()
    assert await connected.responses.next() == b"good"
    with pytest.raises(NotKafkaError, match=f"broker:9092 sent a response of {size} bytes"):
        await connected.responses.next()


@pytest.mark.parametrize("error", [None, ConnectionResetError("reset")])
@pytest.mark.parametrize("got", [0, 2, 4, 1000, 65_536, 99_999])
async def test_a_connection_lost_within_a_response_is_an_error(error: Exception | None, got: int) -> None:
    """Whoever waits for it learns that, as from aiokafka; its memory is free again."""
    connected = Connected()
    waiting = asyncio.create_task(connected.responses.next())
    await asyncio.sleep(0)
    connected.send(framed(b"x" * 100_000)[:got])
    connected.lose(error)
    with pytest.raises(ConnectionResetError if error else asyncio.IncompleteReadError):
        await waiting
    assert connected.pool.bytes_in_use == 0
    assert connected.closed.done()
    assert connected.responses.at_eof()


async def test_sending_waits_while_the_other_side_does_not_read() -> None:
    """Until it does, or is gone."""
    connected = Connected()
    requests = Requests(connected.transport, connected.receiver)
    await requests.drain()
    for end in (connected.receiver.resume_writing, connected.lose):
        connected.receiver.pause_writing()
        waiting = asyncio.create_task(requests.drain())
        await asyncio.sleep(0)
        assert not waiting.done()
        end()
        await waiting


def test_large_parts_are_lent_and_small_ones_copied() -> None:
    """At the end there is less than was asked for, as in a file."""
    frame = FramePool(0).take(100_000)
    frame.freeze()
    parts = Parts(frame)
    assert isinstance(parts.read(100), bytes)
    lent = parts.read(50_000)
    assert isinstance(lent, memoryview)
    assert lent.obj is frame
    assert len(parts.read(80_000)) == 49_900
    assert parts.read(4) == b""


# ---- over a socket


@asynccontextmanager
async def over_tcp() -> AsyncIterator[tuple[Responses, asyncio.StreamWriter]]:
    """A receiver, and who sends to it."""
    loop = asyncio.get_running_loop()
    accepted: asyncio.Future[asyncio.StreamWriter] = loop.create_future()
    server = await asyncio.start_server(lambda _, writer: accepted.set_result(writer), "127.0.0.1", 0)
    responses = Responses(loop=loop)
    receiver = Receiver(FramePool(POOL_BYTES), loop.create_future(), responses, loop=loop)
    transport, _ = await loop.create_connection(lambda: receiver, *server.sockets[0].getsockname())
    writer = await accepted
    yield responses, writer
    transport.close()
    writer.close()
    server.close()
    await asyncio.sleep(0)


async def _drip(writer: asyncio.StreamWriter, data: bytes, step: int) -> None:
    for start in range(0, len(data), step):
        writer.write(data[start : start + step])
        await writer.drain()
        await asyncio.sleep(0)


@pytest.mark.parametrize("size", [70_000, 3_000_000, 70_000_000])
async def test_a_response_larger_than_any_socket_buffer_arrives(size: int) -> None:
    """The kernel does not wait for more than it has room for; the next, small one is not waited for either."""
    sent = bytes(range(250)) * (size // 250)
    async with over_tcp() as (responses, writer):
        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sending = asyncio.create_task(_drip(writer, framed(sent, b"s"), 1_000_003))
        assert bytes(await responses.next()) == sent
        assert await responses.next() == b"s"
        await sending


async def test_a_response_in_drips_arrives() -> None:
    """Every few bytes by themselves, with the last one alone."""
    sent = b"d" * 80_000
    async with over_tcp() as (responses, writer):
        sending = asyncio.create_task(_drip(writer, framed(sent, sent), 977))
        assert bytes(await responses.next()) == sent
        assert bytes(await responses.next()) == sent
        await sending


async def test_a_wrong_low_water_mark_only_costs_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel that waits for more than will ever come: what is there is read all the same."""
    right = low_water.LowWater._set

    def wrong(self: low_water.LowWater, mark_bytes: int) -> None:
        right(self, mark_bytes + 1 if mark_bytes > 1 else 1)

    monkeypatch.setattr(low_water.LowWater, "_set", wrong)
    sent = b"w" * 500_000
    async with over_tcp() as (responses, writer):
        for _ in range(2):
            await _drip(writer, framed(sent), 100_000)
            assert bytes(await responses.next()) == sent


@pytest.mark.parametrize("got", [70_000, 199_999])
async def test_a_peer_that_is_gone_within_a_response_is_noticed(got: int) -> None:
    """Though the kernel was told to wait for all of it."""
    async with over_tcp() as (responses, writer):
        await _drip(writer, framed(b"g" * 200_000)[:got], got)
        writer.transport.abort()
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await responses.next()
