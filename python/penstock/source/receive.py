"""What a broker sends, received into memory that the core reads: once out of the kernel, and nowhere else.

asyncio's `StreamReader` copies every byte about five times. Here the loop reads a whole answer into one `Frame`
(`asyncio.BufferedProtocol`), whose parts are lent, not copied. aiokafka's connection does everything else; it is given
a reader, a writer and a protocol of its own, so nothing of asyncio's streams is in the way.
"""

from __future__ import annotations

import asyncio
import types
from collections import deque
from typing import TYPE_CHECKING, Any

import structlog
from aiokafka.client import AIOKafkaClient
from aiokafka.conn import AIOKafkaConnection, create_conn
from aiokafka.protocol.fetch import FetchRequest

from penstock.source.low_water import LowWater
from penstock.source.rebind import rebind

if TYPE_CHECKING:
    from penstock._native import Frame, FramePool

log = structlog.get_logger("penstock.source")

LARGEST_RESPONSE_BYTES = 256 * 1024 * 1024
"""Above it a size is none: the other side speaks something else. What TLS and HTTP begin with is larger."""

_SIZE_BYTES = 4
_SCRATCH_BYTES = 64 * 1024
"""What is read while no frame is being received: whole small responses, and the beginnings of large ones."""

_LENT_FROM_BYTES = 4096
"""A part of a response is copied if it is smaller. Texts of a fetch response are."""


class NotKafkaError(ConnectionError):
    """What came is no response of a Kafka broker."""


class Responses:
    """Responses that have arrived whole and are not taken yet; aiokafka's connection has it in place of a reader."""

    def __init__(self, *, loop: asyncio.AbstractEventLoop, **_: object) -> None:
        self._loop = loop
        self._arrived: deque[bytes | Frame] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._lost: Exception | None = None

    def add(self, response: bytes | Frame) -> None:
        """One has arrived."""
        self._arrived.append(response)
        self._wake()

    def lose(self, error: Exception) -> None:
        """No more will arrive. The first reason counts."""
        self._lost = self._lost or error
        self._wake()

    def at_eof(self) -> bool:
        """Whether there is nothing to take and never will be."""
        return self._lost is not None and not self._arrived

    async def next(self) -> bytes | Frame:
        """The next response, in order; a frame is frozen. Raises what ended the connection."""
        while not self._arrived:
            if self._lost is not None:
                raise self._lost
            self._waiter = self._loop.create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        response = self._arrived.popleft()
        if not isinstance(response, bytes):
            # Not when it was complete: the loop that filled it still had a view of it then.
            response.freeze()
        return response

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class Requests:
    """Sends; aiokafka's connection has it in place of a writer."""

    def __init__(self, transport: asyncio.Transport, protocol: Receiver, *_: object) -> None:
        self._transport = transport
        self._protocol = protocol

    def write(self, data: bytes) -> None:
        """Send `data` when the socket takes it."""
        self._transport.write(data)

    async def drain(self) -> None:
        """Return when there is little left to send."""
        await self._protocol.wait_writable()

    def close(self) -> None:
        """Close the connection, once all is sent."""
        self._transport.close()


# Written out, without asyncio's `FlowControlMixin`: with it, uvloop takes the class for one that wants `bytes`.
class Receiver(asyncio.BufferedProtocol):
    """Cuts what arrives into responses: bytes if they are small, else frames of `pool`."""

    def __init__(
        self, pool: FramePool, closed: asyncio.Future[None], responses: Responses, *, loop: asyncio.AbstractEventLoop
    ) -> None:
        self._pool = pool
        self._closed = closed
        self._responses = responses
        self._loop = loop
        self._transport: asyncio.Transport
        self._low_water: LowWater
        self._scratch = memoryview(bytearray(_SCRATCH_BYTES))
        self._held = 0
        """Bytes at the beginning of `_scratch` that belong to a response."""
        self._frame: Frame | None = None
        """The response that is being received, if it is too large for `_scratch`."""
        self._rest = memoryview(b"")
        """Of the frame, not received yet."""
        self._writable: asyncio.Future[None] | None = None
        """Set while the other side does not read."""

    # ---- what arrives

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """See `asyncio.BufferedProtocol`."""
        self._transport = transport
        self._low_water = LowWater(transport, self._loop)

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - asyncio's interface
        """See `asyncio.BufferedProtocol`."""
        return self._scratch[self._held :] if self._frame is None else self._rest

    def buffer_updated(self, nbytes: int) -> None:
        """See `asyncio.BufferedProtocol`."""
        if self._frame is None:
            self._held += nbytes
            self._cut()
            return
        self._rest = self._rest[nbytes:]
        if self._rest:
            self._low_water.go_on(len(self._rest))
        else:
            self._responses.add(self._frame)
            self._drop_frame()

    def _cut(self) -> None:
        """Take all whole responses out of the scratch, and begin a frame for one that does not fit into it."""
        start = 0
        while self._held - start >= _SIZE_BYTES:
            body = start + _SIZE_BYTES
            size = int.from_bytes(self._scratch[start:body], "big", signed=True)
            if not 0 <= size <= LARGEST_RESPONSE_BYTES:
                self._refuse(size)
                return
            if body + size <= self._held:
                self._responses.add(bytes(self._scratch[body : body + size]))
                start = body + size
            elif _SIZE_BYTES + size > _SCRATCH_BYTES:
                self._begin_frame(size, self._scratch[body : self._held])
                start = self._held
            else:
                break
        if start:
            self._scratch[: self._held - start] = bytes(self._scratch[start : self._held])  # they may overlap
            self._held -= start

    def _begin_frame(self, size: int, beginning: memoryview) -> None:
        self._frame = self._pool.take(size)
        self._rest = memoryview(self._frame)
        self._rest[: len(beginning)] = beginning
        self._rest = self._rest[len(beginning) :]
        self._low_water.begin(len(self._rest))

    def _drop_frame(self) -> None:
        self._frame = None
        self._low_water.end()
        self._rest = memoryview(b"")  # An empty view of the frame is one, too: it could not be frozen.

    def _refuse(self, size: int) -> None:
        host, port, *_ = self._transport.get_extra_info("peername") or ("?", "?")
        log.error(
            "A broker sent what is no Kafka response; the connection is closed. Is that port one for TLS?",
            broker=f"{host}:{port}",
            size=size,
        )
        self._held = 0
        self._responses.lose(NotKafkaError(f"{host}:{port} sent a response of {size} bytes, which no broker does"))
        self._transport.abort()

    def eof_received(self) -> bool:
        """See `asyncio.BufferedProtocol`: nothing more is sent either."""
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.BufferedProtocol`. What had not arrived whole is dropped."""
        self._drop_frame()
        self._responses.lose(exc or asyncio.IncompleteReadError(b"", None))
        self.resume_writing()
        if not self._closed.done():
            self._closed.set_result(None)

    # ---- what is sent

    def pause_writing(self) -> None:
        """See `asyncio.BufferedProtocol`."""
        self._writable = self._loop.create_future()

    def resume_writing(self) -> None:
        """See `asyncio.BufferedProtocol`."""
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)
        self._writable = None

    async def wait_writable(self) -> None:
        """Return when there is little left to send, or nobody to send it to."""
        if self._writable is not None:
            await asyncio.shield(self._writable)


class Parts:
    """Reads a response like a `BytesIO`, but lends its large parts instead of copying them."""

    def __init__(self, response: bytes | Frame) -> None:
        self._bytes = memoryview(response)
        self._position = 0

    def read(self, size: int) -> bytes | memoryview:
        """The next `size` bytes, fewer at the end."""
        part = self._bytes[self._position : self._position + size]
        self._position += len(part)
        return part if size >= _LENT_FROM_BYTES else bytes(part)


class Connection(AIOKafkaConnection):
    """aiokafka's connection, whose answers to fetch requests are lent from frames of `pool`."""

    _handle_fetch = rebind(AIOKafkaConnection._handle_frame, io=types.SimpleNamespace(BytesIO=Parts))  # noqa: SLF001

    def __init__(self, pool: FramePool, host: str, port: int, **settings: Any) -> None:
        super().__init__(host, port, **settings)  # type: ignore[no-untyped-call]
        self._pool = pool

    async def connect(self) -> Any:
        """As aiokafka's, over `Responses`, `Requests` and `Receiver`."""

        def protocol(closed: asyncio.Future[None], responses: Responses, *, loop: Any) -> Receiver:
            return Receiver(self._pool, closed, responses, loop=loop)

        streams = types.SimpleNamespace(StreamReader=Responses, StreamWriter=Requests)
        return await rebind(AIOKafkaConnection.connect, asyncio=streams, AIOKafkaProtocol=protocol)(self)

    @staticmethod
    async def _read(self_ref: Any) -> None:
        """As aiokafka's: no reference to the connection is held while nothing arrives, so that a lost one is found."""
        connection = self_ref()
        if connection is None:
            return
        responses = connection._reader  # noqa: SLF001 - it is ours
        del connection
        while True:
            response = await responses.next()
            connection = self_ref()
            if connection is None:
                return
            connection._handle_frame(response)  # noqa: SLF001 - it is ours
            del connection, response

    def _handle_frame(self, resp: bytes | Frame) -> None:
        """Of a fetch response parts are lent; of others texts are decoded, which only `bytes` can."""
        _, request, _ = self._requests[0]
        if request is not None and request.API_KEY == FetchRequest.API_KEY:
            self._handle_fetch(resp)
        else:
            super()._handle_frame(bytes(resp))  # type: ignore[no-untyped-call]


def receive_into(pool: FramePool, client: AIOKafkaClient) -> None:
    """Have `client` receive into frames of `pool`, on all connections it opens from now on."""

    def connection(host: str, port: int, **settings: Any) -> Connection:
        return Connection(pool, host, port, **settings)

    create = rebind(create_conn, AIOKafkaConnection=connection)
    get_connection = rebind(AIOKafkaClient._get_conn, create_conn=create)  # noqa: SLF001
    client._get_conn = types.MethodType(get_connection, client)  # type: ignore[method-assign]  # noqa: SLF001
