"""The installed aiokafka is as the fast path needs it; of one that is not, the start says what has changed."""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import Any

import pytest

from penstock.errors import ConfigError
from penstock.source.fetch_mode import is_fast
from penstock.source.layout import Parts, installed, layout_problem
from penstock.source.rebind import rebind
from penstock.telemetry.metrics import Metrics
from tests.captured_log import capture_logs

HERE = installed()


def copy_of(kind: Any, **members: Any) -> Any:
    """A class like `kind`, with other members."""
    return type(kind.__name__, (kind,), {**vars(kind), **members})


def renamed(function: Any, **names: str) -> Any:
    """The function, with other names for what it uses."""
    used = tuple(names.get(name, name) for name in function.__code__.co_names)
    found = rebind(function)
    found.__code__ = function.__code__.replace(co_names=used)
    return found


def records_with_one_more(  # noqa: PLR0917
    tp: Any,
    records: Any,
    aborted_transactions: Any,
    fetch_offset: Any,
    key_deserializer: Any,
    value_deserializer: Any,
    check_crcs: Any,
    isolation_level: Any,
    leader_epoch: Any,
) -> None:
    """Another signature."""


class _Peeks:
    def peek(self) -> Any:
        return self._reader.peek(4)  # type: ignore[attr-defined]

    def sends(self) -> Any:
        return self._writer.writelines([])  # type: ignore[attr-defined]

    def skips(self) -> Any:
        return self._partition_records.skipped  # type: ignore[attr-defined]


FETCH = HERE.fetcher._proc_fetch_request
CONNECTION = HERE.connection
CHANGES: dict[str, tuple[Parts, str]] = {
    "a class of another name": (
        replace(
            HERE, fetcher=copy_of(HERE.fetcher, _proc_fetch_request=renamed(FETCH, PartitionRecords="PartitionBatch"))
        ),
        "Fetcher._proc_fetch_request no longer uses PartitionRecords",
    ),
    "a method of another name": (
        replace(HERE, fetcher=copy_of(HERE.fetcher, _proc_fetch_request=renamed(FETCH, has_next="has_more"))),
        "no longer uses has_next",
    ),
    "another signature": (replace(HERE, partition_records=records_with_one_more), "isolation_level, leader_epoch, not"),
    "another use of the records": (
        replace(HERE, fetch_result=copy_of(HERE.fetch_result, skips=_Peeks.skips)),
        "uses skipped of _partition_records",
    ),
    "another use of the reader": (
        replace(HERE, connection=copy_of(CONNECTION, peek=_Peeks.peek)),
        "uses peek of _reader",
    ),
    "another use of the writer": (
        replace(HERE, connection=copy_of(CONNECTION, sends=_Peeks.sends)),
        "uses writelines of _writer",
    ),
    "another stream": (
        replace(
            HERE, connection=copy_of(CONNECTION, connect=renamed(CONNECTION.connect, StreamReader="BufferedReader"))
        ),
        "uses BufferedReader, StreamWriter of asyncio",
    ),
    "another protocol": (
        replace(HERE, connection=copy_of(CONNECTION, connect=renamed(CONNECTION.connect, AIOKafkaProtocol="Protocol"))),
        "no longer uses AIOKafkaProtocol",
    ),
    "another frame handler": (
        replace(HERE, connection=copy_of(CONNECTION, _handle_frame=lambda self, header, body: (self, header, body))),
        "takes self, header, body, not self, resp",
    ),
    "another way to connect": (replace(HERE, create_conn=lambda *_: None), "no longer uses AIOKafkaConnection"),
    "another client": (
        replace(HERE, client=copy_of(HERE.client, _get_conn=renamed(HERE.client._get_conn, create_conn="open_conn"))),
        "AIOKafkaClient._get_conn no longer uses create_conn",
    ),
    "a consumer with another fetcher": (
        replace(HERE, consumer=copy_of(HERE.consumer, start=renamed(HERE.consumer.start, Fetcher="BatchFetcher"))),
        "AIOKafkaConsumer.start no longer uses Fetcher",
    ),
    "something that is gone": (replace(HERE, connection=object), "has no attribute 'connect'"),
    "a result that is another": (
        replace(HERE, fetch_result=copy_of(HERE.fetch_result, check_assignment=lambda *_: False)),
        "is read as something else",
    ),
}


def test_the_installed_one_fits() -> None:
    """Or this version of Penstock would fall back to records."""
    assert layout_problem() is None


@pytest.mark.parametrize("name", CHANGES)
def test_what_has_changed_is_named(name: str) -> None:
    """By the name that aiokafka has for it."""
    parts, said = CHANGES[name]
    assert said in (layout_problem(lambda: parts) or "")


def test_an_aiokafka_that_cannot_be_imported_is_a_problem_too() -> None:
    """Of which the message is the reason."""

    def find() -> Parts:
        raise ImportError("cannot import name 'FetchResult'")

    assert layout_problem(find) == "cannot import name 'FetchResult'"


def test_the_mode_decides_what_a_problem_means(monkeypatch: pytest.MonkeyPatch) -> None:
    """`auto` goes on with records, which is logged and counted; `fast` does not start; `records` does not look."""
    changed, said = CHANGES["another protocol"]
    metrics = Metrics()
    assert is_fast("auto", metrics)
    assert is_fast("fast", metrics)
    assert metrics.total("penstock_fetch_fast") == 1
    monkeypatch.setattr("penstock.source.fetch_mode.layout_problem", functools.partial(layout_problem, lambda: changed))
    metrics = Metrics()
    with capture_logs() as logs:
        assert not is_fast("records", metrics)
        assert not logs
        assert not is_fast("auto", metrics)
    (line,) = logs
    assert (line["log_level"], said in line["problem"]) == ("warning", True)
    assert metrics.total("penstock_fetch_fallbacks_total", code="layout") == 1
    assert metrics.total("penstock_fetch_fast") == 0
    with pytest.raises(
        ConfigError, match=r'source\.fetch_mode = "fast" does not fit the installed aiokafka: .*Protocol'
    ):
        is_fast("fast", metrics)
