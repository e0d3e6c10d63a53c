"""One broker process."""

from __future__ import annotations

import base64
import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import uuid
from typing import TYPE_CHECKING

from tests.broker.credentials import LISTENERS
from tests.broker.kafka_libs import CACHE, JARS, jars, one_at_a_time
from tests.broker.process import spawn, wait_until

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_READY = "Kafka Server started"
_JVM = [
    "java",
    "-Xmx512m",
    "-Xms64m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:-UsePerfData",
    "-Xshare:auto",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info",
]
_PROTOCOLS = {"PLAINTEXT": "PLAINTEXT", "CONTROLLER": "PLAINTEXT", **LISTENERS}
_CHECKPOINT = "__cluster_metadata-0/00000000000000000000-0000000000.checkpoint"
_TEMPLATE = JARS / "formatted.checkpoint"
_ARCHIVE = JARS / "classes.jsa"
_FIRST_PORT = 10240
_PORTS_OF_WORKER = 2000
_MOST_WORKERS = 10


class Node:
    """A broker and controller with its data in `directory`, on fixed ports of 127.0.0.1."""

    def __init__(self, number: int, directory: Path, properties: Mapping[str, str], ports: Mapping[str, int]) -> None:
        """Prepare files only; `start` starts the process."""
        self.number = number
        self.ports = dict(ports)
        self._directory = directory
        self._properties = dict(properties)
        self._log = directory / "broker.log"
        self._process: subprocess.Popen[bytes] | None = None
        directory.mkdir(parents=True)
        self._file = directory / "server.properties"
        listed = {"node.id": str(number), "log.dirs": str(directory / "data")} | self._properties
        self._file.write_text("".join(f"{key}={value}\n" for key, value in listed.items()))

    def format(self, cluster_id: str) -> None:
        """Lay out an empty data directory from the cached template (the storage tool needs 5 s each time)."""
        data = self._directory / "data"
        (data / _CHECKPOINT).parent.mkdir(parents=True)
        shutil.copyfile(_TEMPLATE, data / _CHECKPOINT)
        (data / "meta.properties").write_text(
            f"version=1\ncluster.id={cluster_id}\nnode.id={self.number}\ndirectory.id={new_id()}\n"
        )

    def format_with_tool(self, cluster_id: str) -> None:
        """Lay out an empty data directory with Kafka's own tool."""
        command = [*_JVM, "kafka.tools.StorageTool", "format", "-t", cluster_id, "-c", str(self._file)]
        subprocess.run(command, env=_environment(), check=True, capture_output=True)

    def start(self, *flags: str) -> None:
        """Start the process and return at once; `wait_ready` waits."""
        flags = flags or (f"-XX:SharedArchiveFile={_ARCHIVE}",)
        with self._log.open("wb") as log:
            self._process = spawn(
                [*_JVM, *flags, "kafka.Kafka", str(self._file)], env=_environment(), stdout=log, stderr=log
            )

    def wait_ready(self, seconds: float = 60) -> None:
        """Return when the broker says that it serves."""
        wait_until(self._ready, seconds=seconds, what=lambda: f"broker {self.number} is ready\n{self.log()}")

    def _ready(self) -> bool:
        if self._process is None or self._process.poll() is not None:
            raise RuntimeError(f"Broker {self.number} died:\n{self.log()}")
        return _READY in self.log()

    @property
    def running(self) -> bool:
        """Whether the process exists, stopped by SIGSTOP or not."""
        return self._process is not None and self._process.poll() is None

    def segment(self, topic: str, partition: int) -> Path:
        """The file with a small partition's records."""
        return self._directory / "data" / f"{topic}-{partition}" / f"{0:020}.log"

    def log(self) -> str:
        """What the process wrote since its last start, its end if that is long."""
        return self._log.read_text(errors="replace")[-8000:] if self._log.exists() else ""

    def send(self, number: signal.Signals) -> None:
        """Send a signal without waiting for anything."""
        if self._process is not None and self.running:
            self._process.send_signal(number)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End the process: SIGTERM shuts down cleanly, SIGKILL is a crash. Returns when it is gone."""
        if self._process is None:
            return
        self.send(number)
        self.send(signal.SIGCONT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(30)
        self.send(signal.SIGKILL)
        self._process.wait()

    def restart(self) -> None:
        """Start again on the same data and ports; returns when it serves."""
        self.start()
        self.wait_ready()


def prepare(directory: Path) -> None:
    """Fetch the jars and make, once per checkout, the formatted template and the class archive: starts take half."""
    jars()
    with one_at_a_time("formatted"):
        if not (_ARCHIVE.exists() and _TEMPLATE.exists()):
            _make_template(directory)


def _make_template(directory: Path) -> None:
    ports = free_ports("PLAINTEXT", "CONTROLLER")
    node = Node(1, directory, base_properties({1: ports}, ports), ports)
    node.format_with_tool(new_id())
    template = CACHE / f"formatted.{os.getpid()}"
    shutil.copyfile(directory / "data" / _CHECKPOINT, template)
    archive = CACHE / f"classes.{os.getpid()}"
    node.start(f"-XX:ArchiveClassesAtExit={archive}")
    node.wait_ready()
    node.stop()
    template.rename(_TEMPLATE)
    archive.rename(_ARCHIVE)


def base_properties(ports_of_nodes: Mapping[int, Mapping[str, int]], ports: Mapping[str, int]) -> dict[str, str]:
    """Server properties of one node: small, quick to fail over, no waiting before a group's first balance."""
    replicas = str(min(3, len(ports_of_nodes)))
    return {
        "process.roles": "broker,controller",
        "controller.quorum.voters": ",".join(f"{n}@127.0.0.1:{p['CONTROLLER']}" for n, p in ports_of_nodes.items()),
        "controller.listener.names": "CONTROLLER",
        "listeners": ",".join(f"{name}://127.0.0.1:{port}" for name, port in ports.items()),
        "advertised.listeners": ",".join(
            f"{name}://127.0.0.1:{port}" for name, port in ports.items() if name != "CONTROLLER"
        ),
        "listener.security.protocol.map": ",".join(f"{n}:{_PROTOCOLS[n]}" for n in ports),
        "inter.broker.listener.name": "PLAINTEXT",
        "offsets.topic.num.partitions": "1",
        "offsets.topic.replication.factor": replicas,
        "transaction.state.log.num.partitions": "1",
        "transaction.state.log.replication.factor": replicas,
        "transaction.state.log.min.isr": "1",
        "share.coordinator.state.topic.num.partitions": "1",
        "share.coordinator.state.topic.replication.factor": replicas,
        "share.coordinator.state.topic.min.isr": "1",
        "group.initial.rebalance.delay.ms": "0",
        "group.min.session.timeout.ms": "1000",
        "message.max.bytes": "20971520",
        "log.cleaner.dedupe.buffer.size": "4194304",
        "log.cleaner.backoff.ms": "300",
        "log.segment.delete.delay.ms": "1000",
        "log.retention.check.interval.ms": "1000",
        "broker.session.timeout.ms": "2000",
        "broker.heartbeat.interval.ms": "500",
        "auto.create.topics.enable": "true",  # A deleted topic must stay deleted because of us, not because of this.
    }


def new_id() -> str:
    """A random UUID in Kafka's spelling."""
    return base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")


def free_ports(*names: str) -> dict[str, int]:
    """A port per name, below the range outgoing connections use: free again when a killed broker comes back.

    Every worker of pytest-xdist has ports of its own, so that none takes those of another's broker while it is down.
    """
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % _MOST_WORKERS
    first = _FIRST_PORT + worker * _PORTS_OF_WORKER
    sockets: list[socket.socket] = []
    try:
        while len(sockets) < len(names):
            candidate = socket.socket()
            sockets.append(candidate)
            try:
                candidate.bind(("127.0.0.1", first + secrets.randbelow(_PORTS_OF_WORKER)))
            except OSError:
                sockets.pop().close()
        return {name: taken.getsockname()[1] for name, taken in zip(names, sockets, strict=True)}
    finally:
        for taken in sockets:
            taken.close()


def _environment() -> dict[str, str]:
    return {**os.environ, "CLASSPATH": f"{JARS}/*"}
