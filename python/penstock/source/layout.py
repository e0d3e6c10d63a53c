"""Whether the installed aiokafka is built as the fast path needs it: it stands on what aiokafka promises nobody.

Every name and signature it relies on is looked for, then a hand-made fetch response goes the way of a real one. What is
changed is named; nothing is changed by looking.
"""

from __future__ import annotations

import dis
import inspect
import types
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_PARTITION_RECORDS = (
    "tp",
    "records",
    "aborted_transactions",
    "fetch_offset",
    "key_deserializer",
    "value_deserializer",
    "check_crcs",
    "isolation_level",
)
_OFFSET = 41
_PRODUCER = 7


@dataclass(frozen=True, slots=True)
class Parts:
    """What of aiokafka is relied on."""

    fetcher: Any
    partition_records: Any
    fetch_result: Any
    connection: Any
    create_conn: Any
    client: Any
    consumer: Any


def installed() -> Parts:
    """Of the aiokafka that is there. `ImportError`."""
    from aiokafka import AIOKafkaConsumer  # noqa: PLC0415 - only where Kafka is read
    from aiokafka.client import AIOKafkaClient  # noqa: PLC0415
    from aiokafka.conn import AIOKafkaConnection, create_conn  # noqa: PLC0415
    from aiokafka.consumer.fetcher import Fetcher, FetchResult, PartitionRecords  # noqa: PLC0415

    return Parts(
        Fetcher, PartitionRecords, FetchResult, AIOKafkaConnection, create_conn, AIOKafkaClient, AIOKafkaConsumer
    )


def layout_problem(find: Callable[[], Parts] = installed) -> str | None:
    """What is not as it should be; None if all is."""
    try:
        parts = find()
        problem = next(_differences(parts), None)
        return problem or _tried(parts)
    except (ImportError, AttributeError) as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 - whatever another version does, there is a way without it
        return f"a fetch response that was made for a test could not be read: {error!r}"


def _differences(parts: Parts) -> Iterator[str]:
    # The stand-ins are called as aiokafka's own classes are.
    yield from _parameters(parts.partition_records, _PARTITION_RECORDS)
    yield from _names(parts.fetcher._proc_fetch_request, "MemoryRecords", "PartitionRecords", "FetchResult")  # noqa: SLF001
    yield from _names(parts.fetcher._proc_fetch_request, "has_next", "size_in_bytes")  # noqa: SLF001
    yield from _attributes(parts.fetch_result, "_partition_records", {"next_fetch_offset"})
    yield from _names(parts.fetch_result.getall, "_update_position")
    # The connection is given streams of ours.
    connection = parts.connection
    yield from _names(connection.connect, "asyncio", "AIOKafkaProtocol", "create_connection", "_create_reader_task")
    used = set(_used(connection.connect, "asyncio"))
    if used != {"StreamReader", "StreamWriter"}:
        yield f"{connection.connect.__qualname__} uses {_listed(used)} of asyncio, not StreamReader and StreamWriter"
    yield from _attributes(connection, "_reader", {"at_eof"})
    yield from _attributes(connection, "_writer", {"write", "drain", "close"})
    yield from _attributes(connection, "_protocol", set())
    yield from _names(connection._create_reader_task, "_read")  # noqa: SLF001
    yield from _parameters(connection._read, ("self_ref",))  # noqa: SLF001
    yield from _parameters(connection._handle_frame, ("self", "resp"))  # noqa: SLF001
    yield from _names(connection._handle_frame, "io", "BytesIO", "_requests")  # noqa: SLF001
    yield from _parameters(connection, ("host", "port"))
    yield from _names(parts.create_conn, "AIOKafkaConnection")
    yield from _names(parts.client._get_conn, "create_conn")  # noqa: SLF001
    yield from _names(parts.consumer.start, "Fetcher")


def _parameters(called: Any, names: tuple[str, ...]) -> Iterator[str]:
    """Its positional parameters."""
    found = tuple(p.name for p in inspect.signature(called).parameters.values() if p.kind is not p.KEYWORD_ONLY)
    if found != names:
        yield f"{called.__qualname__} takes {_listed(found)}, not {_listed(names)}"


def _names(function: Any, *names: str) -> Iterator[str]:
    """Globals and attributes that it uses."""
    missing = [name for name in names if name not in function.__code__.co_names]
    if missing:
        yield f"{function.__qualname__} no longer uses {_listed(missing)}"


def _attributes(kind: Any, holder: str, known: set[str]) -> Iterator[str]:
    """What its methods use of the attribute `holder` of theirs."""
    for method in vars(kind).values():
        function = method.__func__ if isinstance(method, staticmethod | classmethod) else method
        if isinstance(function, types.FunctionType):
            more = set(_used(function, holder)) - known
            if more:
                yield f"{function.__qualname__} uses {_listed(more)} of {holder}, which the stand-in does not have"


def _used(function: types.FunctionType, holder: str) -> Iterator[str]:
    """What is loaded from the global or attribute `holder`."""
    if holder not in function.__code__.co_names:
        return  # As most do, and taking them apart takes a while.
    before = None
    for instruction in dis.get_instructions(function):
        if instruction.opname in {"LOAD_ATTR", "LOAD_METHOD"} and before == holder:
            yield str(instruction.argval)
        if instruction.opname not in {"CACHE", "PRECALL", "NOP"}:
            before = instruction.argval if instruction.opname.startswith("LOAD_") else None


def _listed(names: Any) -> str:
    return ", ".join(sorted(names) if isinstance(names, set) else names) or "nothing"


# ---- a fetch response of one record, as aiokafka reads it


def _tried(parts: Parts) -> str | None:
    from aiokafka import TopicPartition  # noqa: PLC0415
    from aiokafka.protocol.fetch import FetchResponse_v11  # noqa: PLC0415

    from penstock.source.fetched import RawRecords  # noqa: PLC0415
    from penstock.source.raw_fetch import Batches, partition_records  # noqa: PLC0415
    from penstock.source.receive import Parts as Read  # noqa: PLC0415

    tp, batch = TopicPartition("t", 0), _batch()
    partition = (0, 0, _OFFSET + 1, _OFFSET + 1, 0, [(_PRODUCER, _OFFSET)], -1, batch + batch[:20])
    written: Any = Read(FetchResponse_v11(0, 0, 0, [("t", [partition])]).encode())
    response: Any = FetchResponse_v11.decode(written)
    ((_, ((_, _, _, *data),)),) = response.topics
    batches = Batches(data[-1])
    if not batches.has_next():
        return "a fetch response that was made for a test has no batch"
    position = _Position(_OFFSET)
    records = partition_records(tp, batches, data[2], _OFFSET, None, None, True, 1)
    result = parts.fetch_result(tp, assignment=position, partition_records=records, backoff=0)
    found = result.getall()
    expected = RawRecords(_OFFSET, _OFFSET + 1, memoryview(batch), [(_PRODUCER, _OFFSET)], 20, 1)
    if found != [expected] or position.position != _OFFSET + 1 or result.has_more():
        return "a fetch response that was made for a test is read as something else"
    return None


def _batch() -> bytes:
    """A record batch with one record without key and value; nobody looks at its checksum here."""
    record = bytes.fromhex("0c 00 00 00 01 01 00")
    body = b"".join(
        (
            bytes(4),  # leader epoch
            b"\x02",  # magic
            bytes(4 + 2 + 4 + 8 + 8),  # checksum, attributes, last offset delta, timestamps
            b"\xff" * (8 + 2 + 4),  # no producer
            (1).to_bytes(4, "big"),
            record,
        )
    )
    return _OFFSET.to_bytes(8, "big") + len(body).to_bytes(4, "big") + body


class _Position:
    """Stands in for aiokafka's assignment and the state of its one partition."""

    active = True
    paused = False

    def __init__(self, position: int) -> None:
        self.position = position

    def state_value(self, _: object) -> _Position:
        return self

    def consumed_to(self, position: int) -> None:
        self.position = position
