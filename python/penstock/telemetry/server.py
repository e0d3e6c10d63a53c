"""`/metrics`, `/healthz` and `/readyz` over HTTP, on the event loop of the pipeline.

It answers one request per connection and keeps nothing: requests are a line and a few headers, answers are made whole.
What a client can hold is bounded: its head in bytes and time, the number of connections (the oldest gives way).
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import ipaddress
import json
import os
import socket
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Protocol

from penstock.errors import UnavailableError
from penstock.telemetry.log import get_logger
from penstock.telemetry.metrics import CONTENT_TYPE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from penstock.config.listen import Address
    from penstock.telemetry.metrics import Metrics

log = get_logger("penstock.telemetry")

HEAD_BYTES = 8 * 1024
REQUEST_SECONDS = 5.0
ANSWER_SECONDS = 10.0
CONNECTIONS = 32
METHODS = ("GET", "HEAD")
JSON = "application/json"


class Observed(Protocol):
    """Whose state is served. Both are called on the event loop and must not wait."""

    def observe(self) -> None:
        """Set the gauges that are only set when somebody looks."""

    def not_ready(self) -> str | None:
        """Why it is not ready, in a sentence; None if it is."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back."""

    status: HTTPStatus
    body: bytes
    content_type: str = JSON
    headers: tuple[str, ...] = ()

    @classmethod
    def of(cls, status: HTTPStatus, /, *headers: str, **fields: object) -> Answer:
        """With a JSON object as body."""
        return cls(status, json.dumps(fields).encode() + b"\n", headers=headers)

    def encode(self, *, with_body: bool) -> bytes:
        """As HTTP; `HEAD` is told the length and gets no body."""
        lines = (
            f"HTTP/1.1 {self.status.value} {self.status.phrase}",
            f"Content-Type: {self.content_type}",
            f"Content-Length: {len(self.body)}",
            "Cache-Control: no-store",
            "Connection: close",
            *self.headers,
        )
        return "\r\n".join((*lines, "", "")).encode("latin-1") + (self.body if with_body else b"")


class Server:
    """Answers for one `observed`. `serve` runs it."""

    def __init__(self, observed: Observed, metrics: Metrics) -> None:
        self._observed = observed
        self._metrics = metrics
        self._connections: dict[asyncio.Task[None], None] = {}
        """A set in the order of arrival."""
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="telemetry")
        """Writing a few thousand series out takes longer than the event loop may be held."""

    async def close(self) -> None:
        """Drop every connection."""
        connections = list(self._connections)
        for task in connections:
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, from its request to its end."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a coroutine runs in a task
        if len(self._connections) >= CONNECTIONS:
            oldest = next(iter(self._connections))
            del self._connections[oldest]
            oldest.cancel()
        self._connections[task] = None
        # Whatever goes wrong on a connection is its client's matter.
        with contextlib.suppress(TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            try:
                await self._answer(reader, writer)
            finally:
                self._connections.pop(task, None)
                writer.transport.abort()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        method = "GET"
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.LimitOverrunError:
            limit = f"a request has at most {HEAD_BYTES} bytes"
            answer = Answer.of(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, error=limit)
        else:
            method, _, rest = head.partition(b"\r\n")[0].decode("latin-1").partition(" ")
            answer = await self._respond(method, rest.partition(" ")[0])
        async with asyncio.timeout(ANSWER_SECONDS):
            writer.write(answer.encode(with_body=method != "HEAD"))
            writer.write_eof()
            await writer.drain()
            # The rest of a large answer is still on its way; the client closes when it has all of it.
            while await reader.read(HEAD_BYTES):
                pass

    async def _respond(self, method: str, target: str) -> Answer:
        if method not in METHODS:
            return Answer.of(HTTPStatus.METHOD_NOT_ALLOWED, f"Allow: {', '.join(METHODS)}", error="only GET and HEAD")
        match target.partition("?")[0]:
            case "/metrics":
                return await self._render()
            case "/healthz":
                return Answer.of(HTTPStatus.OK, status="alive")
            case "/readyz":
                reason = self._observed.not_ready()
                if reason is None:
                    return Answer.of(HTTPStatus.OK, status="ready")
                return Answer.of(HTTPStatus.SERVICE_UNAVAILABLE, status="not ready", reason=reason)
        return Answer.of(HTTPStatus.NOT_FOUND, error="there are /metrics, /healthz and /readyz")

    async def _render(self) -> Answer:
        self._observed.observe()
        self._metrics.ready.set(self._observed.not_ready() is None)
        body = await asyncio.get_running_loop().run_in_executor(self._thread, self._metrics.render)
        return Answer(HTTPStatus.OK, body, CONTENT_TYPE)


@contextlib.asynccontextmanager
async def serve(address: Address, observed: Observed, metrics: Metrics) -> AsyncIterator[None]:
    """Serve at `address` inside the block. Raises `UnavailableError` if it can't be had."""
    server = Server(observed, metrics)
    try:
        listening = await asyncio.start_server(server.connected, address.host, address.port, limit=HEAD_BYTES)
    except OSError as error:
        raise UnavailableError(f'[telemetry] listen = "{address}": {_why(error)}') from None
    bound = [socket_.getsockname() for socket_ in listening.sockets]
    urls = [f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}" for host, port, *_ in bound]
    log.info("Metrics and health are served.", url=" ".join(urls))
    if not all(ipaddress.ip_address(host.partition("%")[0]).is_loopback for host, *_ in bound):
        log.info("They can be read from other machines, without authentication.", listen=str(address))
    try:
        yield
    finally:
        listening.close()
        await server.close()


def _why(error: OSError) -> str:
    if isinstance(error, socket.gaierror):
        return "this host name is not known; write an IP address of this machine."
    match error.errno:
        case errno.EADDRINUSE:
            return "another process listens there; stop it or choose another port."
        case errno.EADDRNOTAVAIL:
            return "this machine has no such address; write one that it has, or 0.0.0.0 for all."
        case errno.EACCES:
            return "this user may not listen on this port; choose one from 1024 on."
    return f"{os.strerror(error.errno) if error.errno else error}."
