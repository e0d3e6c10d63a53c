"""One line per event, on stderr, without secrets and without floods."""

from __future__ import annotations

import io
import json
import logging
from typing import Any

import pytest

from penstock.telemetry import log


def _json_lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_json_has_the_sentence_and_its_values_as_keys() -> None:
    """One object per line."""
    stream = io.StringIO()
    log.configure("json", "info", stream)
    log.get_logger("penstock.commit").info("Committed a file.", path="a b", rows=3)
    (line,) = _json_lines(stream)
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "Committed a file.",
        "path": "a b",
        "rows": 3,
        "level": "info",
        "logger": "penstock.commit",
    }


def test_text_is_one_line_without_colours_when_nobody_watches() -> None:
    """Values with spaces are quoted, line ends are escaped."""
    stream = io.StringIO()
    log.configure("text", "info", stream)
    log.get_logger("penstock.commit").warning("Slow sink.", path="a b", reason="x\ny", rows=3)
    (line,) = stream.getvalue().splitlines()
    assert line.split(" ", 1)[1] == 'warning Slow sink.  path="a b" reason="x\\ny" rows=3 logger=penstock.commit'


class Terminal(io.StringIO):
    """Says that somebody watches."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("no_color", "coloured"), [("", True), ("1", False)])
def test_colours_are_for_terminals_and_can_be_turned_off(
    no_color: str, *, coloured: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """NO_COLOR is respected."""
    monkeypatch.setenv("NO_COLOR", no_color)
    stream = Terminal()
    log.configure("text", "info", stream)
    log.get_logger("x").error("Broken.")
    assert ("\033[" in stream.getvalue()) is coloured


def test_the_level_decides_what_is_written() -> None:
    """Below it nothing is."""
    stream = io.StringIO()
    log.configure("json", "warning", stream)
    logger = log.get_logger("x")
    logger.info("No.")
    logger.warning("Yes.")
    assert [line["event"] for line in _json_lines(stream)] == ["Yes."]


def test_a_logger_made_before_the_set_up_uses_it() -> None:
    """Modules make theirs at import time."""
    logger = log.get_logger("early")
    stream = io.StringIO()
    log.configure("json", "info", stream)
    logger.info("Late.")
    assert _json_lines(stream)[0]["logger"] == "early"


@pytest.mark.parametrize("form", ["text", "json"])
def test_secrets_are_hidden_by_their_keys(form: Any) -> None:
    """Counts of tokens are no secrets."""
    stream = io.StringIO()
    log.configure(form, "info", stream)
    log.get_logger("x").info("Connecting.", sasl_plain_password="hunter2", Password="hunter2", total_tokens=7)
    assert "hunter2" not in stream.getvalue()
    assert "7" in stream.getvalue()


def test_library_warnings_come_out_in_our_form_and_their_debug_lines_never() -> None:
    """At DEBUG aiokafka formats every response."""
    stream = io.StringIO()
    log.configure("json", "debug", stream)
    library = logging.getLogger("aiokafka.conn")
    library.debug("response %s", "x")
    library.info("closed")
    library.warning("Lost %s", "broker-1")
    assert not library.isEnabledFor(logging.INFO)
    (line,) = _json_lines(stream)
    assert (line["event"], line["level"], line["logger"]) == ("Lost broker-1", "warning", "aiokafka.conn")


def test_what_aiokafka_tries_again_is_no_error() -> None:
    """An error asks for somebody; an exception it did not expect still does."""
    stream = io.StringIO()
    log.configure("json", "info", stream)
    logging.getLogger("aiokafka.consumer").error("Unable to connect")
    logging.getLogger("aiokafka.consumer").error("Unexpected", exc_info=KeyError("x"))
    logging.getLogger("asyncio").error("Task exception was never retrieved")
    assert [line["level"] for line in _json_lines(stream)] == ["warning", "error", "error"]


@pytest.mark.parametrize(("level", "shown"), [("info", False), ("debug", True)])
def test_a_library_traceback_is_for_debugging(level: str, *, shown: bool) -> None:
    """Else the error's type and text."""
    stream = io.StringIO()
    log.configure("json", level, stream)
    try:
        raise KeyError("gone")  # noqa: TRY301 - a traceback is needed
    except KeyError:
        logging.getLogger("aiokafka").exception("Unexpected error")
    (line,) = _json_lines(stream)
    assert line["error"] == "KeyError: 'gone'"
    assert ("Traceback" in line.get("exception", "")) is shown


def test_a_repeated_library_line_is_held_back_and_counted() -> None:
    """A broker that is down must not fill the disk."""
    stream = io.StringIO()
    log.configure("json", "info", stream)
    now = 0.0
    forward = log.Forward(clock=lambda: now)

    def warn(text: str) -> None:
        forward.handle(logging.LogRecord("aiokafka", logging.WARNING, "", 0, "Retry %s", (text,), None))

    for text in "abc":
        warn(text)
    assert [line["event"] for line in _json_lines(stream)] == ["Retry a"]
    now = log.REPEAT_SECONDS
    warn("d")
    warn("e")
    last = _json_lines(stream)[-1]
    assert (last["event"], last["repeated"]) == ("Retry d", 2)
