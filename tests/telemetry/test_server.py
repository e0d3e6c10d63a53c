"""Metrics and health over HTTP: right answers, and clients that can't hold it up."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import socket
from typing import TYPE_CHECKING

import pytest

from penstock.config.listen import Address
from penstock.errors import UnavailableError
from penstock.telemetry import server
from penstock.telemetry.metrics import Metrics
from penstock.telemetry.server import serve

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

READY = b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n"


class Pipeline:
    """Stands for a job: ready or not, with a gauge that is set when somebody looks."""

    def __init__(self) -> None:
        self.metrics = Metrics()
        self.reason: str | None = None

    def observe(self) -> None:
        self.metrics.memory_bytes.set(42)

    def not_ready(self) -> str | None:
        return self.reason


class Client:
    """Speaks to the server at `port`."""

    def __init__(self, port: int) -> None:
        self.port = port

    async def raw(self, request: bytes) -> bytes:
        """Everything that comes back."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(request)
            return await reader.read()
        finally:
            writer.close()

    async def get(self, path: str, method: str = "GET") -> tuple[int, dict[str, str], str]:
        """Status, headers, body."""
        head, _, body = (await self.raw(f"{method} {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())).partition(b"\r\n\r\n")
        status, *lines = head.decode().split("\r\n")
        return int(status.split()[1]), dict(line.split(": ", 1) for line in lines), body.decode()


async def _dropped(reader: asyncio.StreamReader) -> None:
    """Return when the server has closed the connection without a word, in order or not."""
    with contextlib.suppress(ConnectionError):
        assert await reader.read() == b""


@pytest.fixture
def pipeline() -> Pipeline:
    return Pipeline()


@pytest.fixture
async def client(pipeline: Pipeline, capsys: pytest.CaptureFixture[str]) -> AsyncIterator[Client]:
    """Of a server on a free port, which is in the log."""
    async with serve(Address("127.0.0.1", 0), pipeline, pipeline.metrics):
        found = re.search(r"http://127\.0\.0\.1:(\d+)", capsys.readouterr().err)
        assert found
        yield Client(int(found[1]))


async def test_metrics_are_text_with_the_gauges_of_this_moment(client: Client, pipeline: Pipeline) -> None:
    """Whoever asks sees what is, not what was at the last commit."""
    pipeline.reason = "No."
    status, headers, body = await client.get("/metrics")
    assert (status, headers["Content-Type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
    assert "\npenstock_memory_bytes 42.0\n" in body
    assert "\npenstock_ready 0.0\n" in body
    assert int(headers["Content-Length"]) == len(body.encode())


async def test_health_says_why_it_is_not_ready(client: Client, pipeline: Pipeline) -> None:
    """Alive is not ready."""
    assert (await client.get("/readyz"))[0] == 200
    pipeline.reason = "events-0 is not committed: no space left"
    status, headers, body = await client.get("/readyz")
    assert (status, headers["Content-Type"]) == (503, "application/json")
    assert json.loads(body) == {"status": "not ready", "reason": pipeline.reason}
    status, _, body = await client.get("/healthz?verbose")
    assert (status, json.loads(body)) == (200, {"status": "alive"})


async def test_other_paths_and_methods_are_refused(client: Client) -> None:
    """With what there is instead."""
    assert "/metrics" in (await client.get("/"))[2]
    status, headers, _ = await client.get("/metrics", "POST")
    assert (status, headers["Allow"]) == (405, "GET, HEAD")
    status, headers, body = await client.get("/healthz", "HEAD")
    assert (status, headers["Content-Length"], body) == (200, "20", "")


@pytest.mark.parametrize("request_", [b"\r\n\r\n", b"\0\xff\r\n\r\n", b"GET\r\n\r\n", b"GET  /metrics\r\n\r\n"])
async def test_what_is_no_request_is_refused(client: Client, request_: bytes) -> None:
    """Whatever it is, it gets an answer of its own."""
    assert re.match(rb"HTTP/1\.1 40[45] ", await client.raw(request_))
    assert (await client.get("/readyz"))[0] == 200


async def test_a_head_without_end_is_refused(client: Client) -> None:
    """It is read up to a limit."""
    answer = await client.raw(b"GET /metrics HTTP/1.1\r\nX: " + b"x" * 10 * server.HEAD_BYTES)
    assert not answer or answer.startswith(b"HTTP/1.1 431 ")
    assert (await client.get("/readyz"))[0] == 200


async def test_clients_that_say_nothing_give_way(client: Client) -> None:
    """However many hang there, the next one is answered; the oldest is dropped."""
    idle = [await asyncio.open_connection("127.0.0.1", client.port) for _ in range(2 * server.CONNECTIONS)]
    for _, writer in idle:
        writer.write(b"GET /metr")
    assert (await client.get("/readyz"))[0] == 200
    await _dropped(idle[0][0])
    for _, writer in idle:
        writer.close()


async def test_a_slow_request_is_dropped(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has its time, however it spends it."""
    monkeypatch.setattr(server, "REQUEST_SECONDS", 0.05)
    reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
    writer.write(READY[:-2])
    await _dropped(reader)
    writer.close()


async def test_a_client_that_does_not_read_is_dropped(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer that is not taken is not kept for ever."""
    monkeypatch.setattr(server, "ANSWER_SECONDS", 0.05)
    _, writer = await asyncio.open_connection("127.0.0.1", client.port)
    writer.write(READY)
    with contextlib.suppress(ConnectionError):
        while not writer.is_closing():
            writer.write(b"more")
            await writer.drain()
            await asyncio.sleep(0)
    writer.close()


async def test_the_end_waits_for_nobody(pipeline: Pipeline, capsys: pytest.CaptureFixture[str]) -> None:
    """Connections that are open are dropped."""
    async with serve(Address("localhost", 0), pipeline, pipeline.metrics):
        found = re.search(r"http://127\.0\.0\.1:(\d+)", capsys.readouterr().err)
        assert found
        reader, writer = await asyncio.open_connection("127.0.0.1", int(found[1]))
        writer.write(READY[:5])
    await _dropped(reader)
    writer.close()


async def test_a_port_that_is_taken_is_named_with_its_setting(pipeline: Pipeline) -> None:
    """Exit code 69, and what to do."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UnavailableError, match=rf'\[telemetry\] listen = "127\.0\.0\.1:{port}": another process'):
            async with serve(Address("127.0.0.1", port), pipeline, pipeline.metrics):
                pass


@pytest.mark.parametrize(
    ("host", "message"), [("192.0.2.1", "no such address"), ("no-such-host.invalid", "host name is not known")]
)
async def test_an_address_that_can_not_be_had_says_why(pipeline: Pipeline, host: str, message: str) -> None:
    """What is wrong is the address, not the port."""
    with pytest.raises(UnavailableError, match=message):
        async with serve(Address(host, 0), pipeline, pipeline.metrics):
            pass


async def test_to_be_open_to_others_is_told(pipeline: Pipeline, capsys: pytest.CaptureFixture[str]) -> None:
    """It was written so; the log says what it means."""
    async with serve(Address("0.0.0.0", 0), pipeline, pipeline.metrics):  # noqa: S104 - what is tested
        assert "without authentication" in capsys.readouterr().err
