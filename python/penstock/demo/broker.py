"""A Kafka broker inside this process: librdkafka's mock cluster, from the library the confluent-kafka wheel carries.

It starts in milliseconds and needs nothing installed. It is for showing and for unit tests, never for proofs of
durability: it keeps at most 5 MiB (compressed) per partition and drops the oldest records beyond that, returns one
produced batch per partition and fetch, does not wake long polls (readers want `fetch_max_wait_ms` of 20 to 50), ignores
transactions, and forgets topics and commits when it is closed.
"""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Final, Self

from penstock.errors import ConfigError, UnavailableError

if TYPE_CHECKING:
    from types import TracebackType

PARTITION_LOG_BYTES: Final = 5 * 1024 * 1024
"""What the broker keeps of one partition; the oldest batches go first, read or not."""

_PRODUCER: Final = 0  # RD_KAFKA_PRODUCER
_LOG_CRITICAL_ONLY: Final = b"2"

_pointer = ctypes.c_void_p
_SIGNATURES: Final = {
    "rd_kafka_conf_new": (_pointer, ()),
    "rd_kafka_conf_set": (ctypes.c_int, (_pointer, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_size_t)),
    "rd_kafka_new": (_pointer, (ctypes.c_int, _pointer, ctypes.c_char_p, ctypes.c_size_t)),
    "rd_kafka_destroy": (None, (_pointer,)),
    "rd_kafka_mock_cluster_new": (_pointer, (_pointer, ctypes.c_int)),
    "rd_kafka_mock_cluster_destroy": (None, (_pointer,)),
    "rd_kafka_mock_cluster_bootstraps": (ctypes.c_char_p, (_pointer,)),
    "rd_kafka_mock_topic_create": (ctypes.c_int, (_pointer, ctypes.c_char_p, ctypes.c_int, ctypes.c_int)),
    "rd_kafka_mock_group_initial_rebalance_delay_ms": (None, (_pointer, ctypes.c_int32)),
}


def _librdkafka() -> ctypes.CDLL:
    """The librdkafka that confluent-kafka itself uses: a symbol is looked up in a library's dependencies too."""
    try:
        from confluent_kafka import cimpl  # noqa: PLC0415 - an extra, and slow to import
    except ImportError:
        raise ConfigError(
            "The embedded broker comes with the confluent-kafka package, which is not installed. "
            'Install it with: pip install "penstock[demo]"'
        ) from None
    library = ctypes.CDLL(cimpl.__file__)
    for name, (result, arguments) in _SIGNATURES.items():
        function = getattr(library, name)
        function.restype = result
        function.argtypes = arguments
    return library


class EmbeddedBroker:
    """One broker on a free port of 127.0.0.1, from construction until `close`. Use it as a context manager.

    Topics must be created before they are used. Not thread-safe; producers and consumers reach it over TCP.
    """

    def __init__(self, *, rebalance_delay_ms: int = 250) -> None:
        """Start. `rebalance_delay_ms` holds back a group's first assignment, lest a follower overtake its leader."""
        self._library = library = _librdkafka()
        reason = ctypes.create_string_buffer(512)
        settings = library.rd_kafka_conf_new()
        library.rd_kafka_conf_set(settings, b"log_level", _LOG_CRITICAL_ONLY, reason, len(reason))
        self._client: int | None = library.rd_kafka_new(_PRODUCER, settings, reason, len(reason))
        if self._client is None:
            raise UnavailableError(f"The embedded broker did not start: {reason.value.decode(errors='replace')}.")
        self._cluster: int | None = library.rd_kafka_mock_cluster_new(self._client, 1)
        if self._cluster is None:
            self.close()
            raise UnavailableError("The embedded broker did not start: no free port on 127.0.0.1?")
        library.rd_kafka_mock_group_initial_rebalance_delay_ms(self._cluster, rebalance_delay_ms)
        self.bootstrap: str = library.rd_kafka_mock_cluster_bootstraps(self._cluster).decode()

    def create_topic(self, name: str, partitions: int) -> None:
        """Make an empty topic; `name` must be new."""
        if self._cluster is None:
            raise UnavailableError(f"Can't create topic {name!r}: the embedded broker is closed.")
        code = self._library.rd_kafka_mock_topic_create(self._cluster, name.encode(), partitions, 1)
        if code != 0:
            raise UnavailableError(f"The embedded broker refused topic {name!r} (code {code}).")

    def close(self) -> None:
        """Stop, free threads, sockets and memory. A second call does nothing."""
        cluster, self._cluster = self._cluster, None
        client, self._client = self._client, None
        if cluster is not None:
            self._library.rd_kafka_mock_cluster_destroy(cluster)
        if client is not None:
            self._library.rd_kafka_destroy(client)

    def __enter__(self) -> Self:
        """Already started; hand it over."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close."""
        self.close()
