"""Topic ids, by Metadata v12 over aiokafka's own connections.

aiokafka speaks Metadata up to v5, which has no topic ids. A topic that was deleted and recreated has the same name, the
same leader epochs and, soon, the same offsets; only its id tells them apart (KIP-516).
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from aiokafka.errors import KafkaError, for_code
from aiokafka.protocol.abstract import AbstractType
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import (
    Boolean,
    CompactArray,
    CompactString,
    Int16,
    Int32,
    Schema,
    TaggedFields,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from io import BytesIO

NO_TOPIC_ID = "0" * 32
"""What brokers without KIP-516 (before 2.8) give every topic: a recreated topic can't be told apart."""

_METADATA_VERSION = 12
_TEXT = CompactString("utf-8")
_NODES = CompactArray(Int32)


class _Uuid(AbstractType[uuid.UUID]):
    """16 bytes, big endian."""

    @classmethod
    def encode(cls, value: uuid.UUID) -> bytes:
        return value.bytes

    @classmethod
    def decode(cls, data: BytesIO) -> uuid.UUID:
        return uuid.UUID(bytes=bytes(data.read(16)))

    @classmethod
    def repr(cls, value: uuid.UUID) -> str:
        return str(value)


class _MetadataResponse(Response):
    API_KEY = 3
    API_VERSION = _METADATA_VERSION
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "brokers",
            CompactArray(("node_id", Int32), ("host", _TEXT), ("port", Int32), ("rack", _TEXT), ("tags", TaggedFields)),
        ),
        ("cluster_id", _TEXT),
        ("controller_id", Int32),
        (
            "topics",
            CompactArray(
                ("error_code", Int16),
                ("name", _TEXT),
                ("topic_id", _Uuid),
                ("is_internal", Boolean),
                (
                    "partitions",
                    CompactArray(
                        ("error_code", Int16),
                        ("partition", Int32),
                        ("leader", Int32),
                        ("leader_epoch", Int32),
                        ("replicas", _NODES),
                        ("isr", _NODES),
                        ("offline_replicas", _NODES),
                        ("tags", TaggedFields),
                    ),
                ),
                ("authorized_operations", Int32),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )


class _MetadataRequestStruct(RequestStruct):
    API_KEY = 3
    API_VERSION = _METADATA_VERSION
    FLEXIBLE_VERSION = True
    RESPONSE_TYPE = _MetadataResponse
    SCHEMA = Schema(
        ("topics", CompactArray(("topic_id", _Uuid), ("name", _TEXT), ("tags", TaggedFields))),
        ("allow_auto_topic_creation", Boolean),
        ("include_topic_authorized_operations", Boolean),
        ("tags", TaggedFields),
    )


_Structs: TypeAlias = _MetadataRequestStruct


class _MetadataRequest(Request[_Structs]):
    API_KEY = 3

    def __init__(self, topics: Sequence[str] | None) -> None:
        self._topics = topics

    def build(self, request_struct_class: type[_Structs]) -> _Structs:
        no_tags: dict[int, bytes] = {}
        topics = None if self._topics is None else [(uuid.UUID(int=0), name, no_tags) for name in self._topics]
        return request_struct_class(topics, False, False, no_tags)


@dataclass(frozen=True, slots=True)
class TopicFacts:
    """A topic as its cluster describes it now; `error` is None where the topic is there and readable."""

    topic_id: str
    leader_epochs: dict[int, int]
    internal: bool
    error: type[KafkaError] | None


@dataclass(frozen=True, slots=True)
class ClusterFacts:
    """The cluster's id and the topics asked for, by name."""

    cluster_id: str
    topics: dict[str, TopicFacts]


async def describe_topics(client: Any, names: Sequence[str] | None) -> ClusterFacts:
    """Ask any broker for `names`, or for every topic. Never creates a topic.

    Raises aiokafka's `KafkaError` where no broker answers, `NotImplementedError` where the brokers are too old.
    """
    node = client.get_random_node()
    if node is None:
        raise KafkaError("no broker is known yet")
    response = await client.send(node, _MetadataRequest(names))
    topics: dict[str, TopicFacts] = {}
    for error_code, name, topic_id, internal, partitions, *_ in response.topics:
        error = for_code(error_code) if error_code else None
        epochs = {partition[1]: partition[3] for partition in partitions}
        topics[name] = TopicFacts(topic_id.hex, epochs, internal, error)
    return ClusterFacts(response.cluster_id or "", topics)
