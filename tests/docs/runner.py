"""Runs the blocks of a page where its reader would, and puts what they print below them."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Self

from penstock.demo.broker import EmbeddedBroker
from tests.broker.process import spawn
from tests.docs.page import blocks, output_of

if TYPE_CHECKING:
    from tests.docs.page import Block

ROOT = Path(__file__).parents[2]
SHOWN_DIRECTORY = "/srv/penstock"
BLOCK_SECONDS = 150
_BROKER = re.compile(r"127\.0\.0\.1:\d+")
_ID = re.compile(r"\b[0-9a-f]{32}\b")
_CLUSTER = re.compile(r"\bmockCluster[0-9a-f]+")
_TIME = re.compile(r"\b20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
_FILE_BYTES = re.compile(r"\bbytes=\d+")
_MEASURED = re.compile(r"^(?P<name>seconds|bytes out) +[\d.,]+$", re.MULTILINE)

_SHOW_QUERY = """
import sys, duckdb
duckdb.sql(sys.argv[1]).show(max_width=128, max_rows=100)
"""


class PageFailedError(AssertionError):
    """A block ended with an error; the message is its output."""


class Runner:
    """A directory with the examples, and a broker with a topic for each; as a context manager it ends with them.

    Blocks of one page run in order, each in a process of its own.
    """

    def __init__(self, work: Path, partitions: int) -> None:
        self._work = work
        self._ids: dict[str, str] = {}
        shutil.copytree(ROOT / "examples", work / "examples", ignore=shutil.ignore_patterns("__pycache__"))
        self._broker = EmbeddedBroker()
        for topic in ("agent-events", *(folder.name for folder in (ROOT / "examples").iterdir() if folder.is_dir())):
            self._broker.create_topic(topic, partitions)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._broker.close()

    def render(self, page: str) -> str:
        """`page` with the outputs that its blocks have now."""
        lines = page.splitlines()
        outputs = [(output_of(block, page), self._run(block)) for block in runnable(page)]
        for place, text in reversed(outputs):
            if place is not None:
                lines[place.first : place.end] = text.splitlines()
        return "\n".join(lines) + "\n"

    def _run(self, block: Block) -> str:
        commands = {
            "sh": ["bash", "-euo", "pipefail", "-c", block.text],
            "python": [sys.executable, "-c", block.text],
            "sql": [sys.executable, "-c", _SHOW_QUERY, block.text],
        }
        process = spawn(
            commands[block.language],
            cwd=self._work,
            env=self._environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        try:
            output = process.communicate(timeout=BLOCK_SECONDS)[0].decode()
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)  # the shell and what it started
            process.communicate()
            raise
        if process.returncode:
            raise PageFailedError(f"line {block.first}: exit code {process.returncode}\n{block.text}\n\n{output}")
        return self._settled(output).rstrip("\n")

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PENSTOCK")}
        return {
            **kept,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}",
            "KAFKA_BROKERS": self._broker.bootstrap,
            "PENSTOCK__SOURCE__BROKERS": f'["{self._broker.bootstrap}"]',
            "PENSTOCK__SOURCE__SESSION_TIMEOUT": "2s",  # The embedded broker keeps a member's place, also if it left.
            "LC_ALL": "C.UTF-8",  # the order of `ls`
            "PYTHONUTF8": "1",
            "TZ": "UTC",
        }

    def _settled(self, output: str) -> str:
        """`output` without what differs from run to run: places, ids, times."""
        output = output.replace(str(self._work), SHOWN_DIRECTORY)
        output = _BROKER.sub("localhost:9092", output)
        output = _ID.sub(lambda match: self._id(match[0]), output)
        output = _CLUSTER.sub("mockCluster", output)
        output = _TIME.sub("2026-05-04T14:00:00.000000Z", output)
        output = _FILE_BYTES.sub("bytes=12649", output)
        return _MEASURED.sub(lambda match: f"{match['name']:<12}  (differs)", output)

    def _id(self, found: str) -> str:
        """The same id for the n-th one in every run."""
        number = len(self._ids)
        return self._ids.setdefault(found, hashlib.md5(b"%d" % number, usedforsecurity=False).hexdigest())


def runnable(page: str) -> list[Block]:
    """Blocks that are commands or code, and not marked as not run."""
    return [block for block in blocks(page) if block.language in ("sh", "sql", "python") and block.not_run is None]
