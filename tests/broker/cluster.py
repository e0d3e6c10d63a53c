"""Apache Kafka on loopback, started by the tests: one node or three, plain or secured."""

from __future__ import annotations

import shutil
import signal
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Self

from confluent_kafka import KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AdminClient,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from tests.broker import credentials
from tests.broker.node import Node, base_properties, free_ports, new_id, prepare
from tests.broker.process import wait_until

if TYPE_CHECKING:
    from types import TracebackType


class KafkaCluster:
    """A cluster of its own, gone with its data after the `with` block and with this process.

    Raises `KafkaUnavailableError` where there is no JDK or no Maven.
    """

    def __init__(self, nodes: int = 1, *, secure: bool = False) -> None:
        """`secure` adds the listeners of `credentials.LISTENERS` beside the plain one."""
        self._directory = Path(tempfile.mkdtemp(prefix="penstock-kafka-"))
        self.secure = secure
        self.nodes: dict[int, Node] = {}
        self._size = nodes

    def __enter__(self) -> Self:
        """Start every node and wait until each serves."""
        try:
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def _start(self) -> None:
        prepare(self._directory / "prepare")
        names = ("PLAINTEXT", "CONTROLLER", *(credentials.LISTENERS if self.secure else ()))
        every = free_ports(*(f"{name}/{n}" for n in range(1, self._size + 1) for name in names))
        ports = {n: {name: every[f"{name}/{n}"] for name in names} for n in range(1, self._size + 1)}
        extra: dict[str, str] = {}
        if self.secure:
            self.certificates = credentials.make_certificates(self._directory / "certificates")
            extra = credentials.broker_properties(self.certificates)
        cluster_id = new_id()
        for number, own in ports.items():
            node = Node(number, self._directory / str(number), base_properties(ports, own) | extra, own)
            self.nodes[number] = node
            node.format(cluster_id)
            node.start()
        for node in self.nodes.values():
            node.wait_ready()
        self.admin = AdminClient({"bootstrap.servers": self.bootstrap(), "log_level": 0})
        self.wait_members(self._size)
        if self.secure:
            self._add_scram_users()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop everything and delete the data."""
        self.close()

    def close(self) -> None:
        """Kill every node and delete the data; safe to call twice."""
        for node in self.nodes.values():
            node.stop(signal.SIGKILL)
        shutil.rmtree(self._directory, ignore_errors=True)

    def bootstrap(self, listener: str = "PLAINTEXT") -> str:
        """`host:port` of every node's listener, comma-separated."""
        return ",".join(f"127.0.0.1:{node.ports[listener]}" for node in self.nodes.values())

    def wait_members(self, count: int, seconds: float = 60) -> None:
        """Return when the cluster itself sees `count` brokers."""

        def seen() -> bool:
            try:
                return len(self.admin.list_topics(timeout=5).brokers) == count
            except KafkaException:
                return False

        wait_until(seen, seconds=seconds, what=lambda: f"{count} brokers are members\n{self.logs()}")

    def logs(self) -> str:
        """The end of every node's log."""
        return "\n".join(f"--- broker {number} ---\n{node.log()}" for number, node in self.nodes.items())

    def _add_scram_users(self) -> None:
        changes = [
            UserScramCredentialUpsertion(
                credentials.USER, ScramCredentialInfo(mechanism, 4096), credentials.PASSWORD.encode()
            )
            for mechanism in (ScramMechanism.SCRAM_SHA_256, ScramMechanism.SCRAM_SHA_512)
        ]
        for change in changes:
            for future in self.admin.alter_user_scram_credentials([change]).values():
                future.result(30)
