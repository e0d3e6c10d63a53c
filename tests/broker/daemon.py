"""Penstock as its users run it: a pipeline file and a process."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq

from penstock.verify.verify import verify
from tests.broker.process import spawn, wait_until
from tests.broker.records import COLUMNS, DECODE
from tests.broker.source_log import Comparison, SourceLog, data_files

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Sections = dict[str, dict[str, Any]]


class Daemon:
    """One `penstock run` process. Its output is in files, shown by `Job.report`."""

    def __init__(
        self, pipeline: Path, arguments: Sequence[str], env: Mapping[str, str], log: Path, *, module: str
    ) -> None:
        """Start at once. `module` is Penstock's command line, or one around it."""
        self._out, self._err = log.with_suffix(".out"), log.with_suffix(".err")
        command = [sys.executable, "-m", module, "run", str(pipeline), *arguments]
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self.process = spawn(command, env={**os.environ, **env}, stdout=out, stderr=err)

    @property
    def running(self) -> bool:
        """Whether the process exists, stopped by SIGSTOP or not."""
        return self.process.poll() is None

    @property
    def stdout(self) -> str:
        """What it printed so far."""
        return self._out.read_text(errors="replace")

    @property
    def stderr(self) -> str:
        """What it logged so far."""
        return self._err.read_text(errors="replace")

    def wait_exit(self, seconds: float = 60) -> int:
        """The exit code; negative is the signal that killed it."""
        wait_until(lambda: not self.running, seconds=seconds, what=lambda: f"the daemon exits\n{self.stderr[-4000:]}")
        return self.process.wait()

    def wait_logged(self, text: str, seconds: float = 60) -> None:
        """Return when its log contains `text`."""
        self.wait_for(lambda: text in self.stderr, f"the log says {text!r}", seconds)

    def wait_for(self, condition: Callable[[], bool], what: str, seconds: float = 60) -> None:
        """Return when `condition()` holds; raise if the process ends first."""

        def holds() -> bool:
            if not (found := condition()) and not self.running:
                raise RuntimeError(f"The daemon ended with {self.process.returncode}:\n{self.stderr[-4000:]}")
            return found

        wait_until(holds, seconds=seconds, what=lambda: f"{what}\n{self.stderr[-4000:]}")

    def wait_for_exit_or(self, condition: Callable[[], bool], seconds: float = 60) -> None:
        """Return when the process ended or `condition()` holds."""
        what = "the daemon exits or is done"
        wait_until(
            lambda: not self.running or condition(), seconds=seconds, what=lambda: f"{what}\n{self.stderr[-4000:]}"
        )

    def wait_stopped(self) -> None:
        """Return when SIGSTOP has taken effect."""
        stat = f"/proc/{self.process.pid}/stat"

        def stopped() -> bool:
            with open(stat, encoding="ascii") as file:  # noqa: PTH123
                return file.read().rpartition(")")[2].split()[0] == "T"

        self.wait_for(stopped, "the daemon is stopped")

    def sockets(self) -> set[str]:
        """What identifies the sockets that it has open."""
        found = set()
        for descriptor in Path(f"/proc/{self.process.pid}/fd").iterdir():
            with contextlib.suppress(FileNotFoundError):  # closed meanwhile
                found.add(str(descriptor.readlink()))
        return {name for name in found if name.startswith("socket:")}

    def peak_memory_bytes(self) -> int:
        """The largest resident set so far, of a running process."""
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:  # noqa: PTH123
            (line,) = (line for line in status if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024

    def send(self, number: signal.Signals) -> None:
        """Send a signal, if there still is someone to get it."""
        if self.running:
            self.process.send_signal(number)

    def kill(self) -> None:
        """SIGKILL; returns when it is gone."""
        self.send(signal.SIGKILL)
        self.process.wait()

    def terminate(self, seconds: float = 60) -> int:
        """SIGTERM, and the exit code after the drain."""
        self.send(signal.SIGTERM)
        return self.wait_exit(seconds)

    def summary(self) -> dict[str, Any]:
        """The last object that `--output json` printed."""
        found: dict[str, Any] = json.loads(self.stdout.splitlines()[-1])
        return found


class Job:
    """One pipeline, its table and the log of its source. `close` ends every daemon it started."""

    def __init__(self, name: str, directory: Path, bootstrap: str) -> None:
        """Nothing is started or written yet."""
        self.name = name
        self.directory = directory
        self.bootstrap = bootstrap
        self.table = directory / "table"
        self.dead_letters = directory / "dead"
        self.log = SourceLog()
        self.pipeline = directory / "pipeline.toml"
        self._daemons: list[Daemon] = []
        self._rows: dict[Path, int] = {}

    def configure(
        self,
        *topics: str,
        file: str = "pipeline.toml",
        steps: Sequence[Mapping[str, Any]] = (),
        **changes: Mapping[str, Any],
    ) -> Path:
        """Write a pipeline file; `changes` are keys by section, `None` removes a key or a section."""
        sections: Sections = {
            "pipeline": {"name": self.name, "shutdown_grace": "20s"},
            "source": {
                "type": "kafka",
                "brokers": self.bootstrap.split(","),
                "topics": list(topics),
                "group": self.name,
                "start": "earliest",
                "session_timeout": "2s",
                "fetch_mode": "fast",  # refuses to start where the way of raw batches is not there
            },
            "decode": {**DECODE, "columns": COLUMNS},
            "sink": {"type": "parquet", "path": str(self.table), "cut": {"age": "1s"}},
            "dead_letter": {"path": str(self.dead_letters), "limit": {"ratio": 0.9, "run": 1000}},
        }
        for name, change in changes.items():
            merged = {**sections.get(name, {}), **change}
            sections[name] = {key: value for key, value in merged.items() if value is not None}
        path = self.directory / file
        texts = [_section(f"[{name}]", keys) for name, keys in sections.items()]
        texts += [_section("[[transform]]", step) for step in steps]
        path.write_text("\n".join(texts))
        return path

    def start(
        self,
        *arguments: str,
        pipeline: Path | None = None,
        failpoint: str = "",
        env: Mapping[str, str] | None = None,
        module: str = "penstock.cli.main",
    ) -> Daemon:
        """Start a daemon on the pipeline file."""
        env = {**(env or {}), **({"PENSTOCK_FAILPOINT": failpoint} if failpoint else {})}
        log = self.directory / f"daemon-{len(self._daemons)}"
        daemon = Daemon(pipeline or self.pipeline, arguments, env, log, module=module)
        self._daemons.append(daemon)
        return daemon

    def run_to_end(
        self, pipeline: Path | None = None, *, env: Mapping[str, str] | None = None, seconds: float = 60
    ) -> dict[str, Any]:
        """Run until everything produced so far is in the table; the summary."""
        daemon = self.start("--until-end", "--output", "json", pipeline=pipeline, env=env)
        code = daemon.wait_exit(seconds)
        assert code == 0, f"exit {code}\n{daemon.stderr[-4000:]}"
        return daemon.summary()

    def visible(self) -> int:
        """Rows and dead letters that a reader sees now."""
        for table in (self.table, self.dead_letters):
            for path in data_files(table):
                if path not in self._rows:
                    self._rows[path] = pq.read_metadata(path).num_rows
        return sum(self._rows.values())

    def complete(self) -> bool:
        """Whether as much is visible as the log knows."""
        return self.visible() >= self.log.visible()

    def wait_visible(self, count: int | None = None, seconds: float = 60) -> None:
        """Return when at least `count` rows and dead letters are visible, by default all that the log knows."""
        wanted = self.log.visible() if count is None else count
        wait_until(
            lambda: self.visible() >= wanted,
            seconds=seconds,
            what=lambda: f"{wanted} rows and dead letters are visible, {self.visible()} are\n{self.report()}",
        )

    def compare(self, log: SourceLog | None = None, *, changed: bool = False) -> Comparison:
        """Table against source."""
        return (log or self.log).compare(self.table, self.dead_letters, changed=changed)

    def assert_exact(self, log: SourceLog | None = None, *, changed: bool = False) -> Comparison:
        """Fail unless the table has exactly what was produced, and `penstock verify` would find nothing."""
        found = self.compare(log, changed=changed)
        assert found.exact, f"{found}\n{self.report()}"
        self.assert_verified()
        return found

    def assert_verified(self) -> None:
        """Fail if `penstock verify` would."""
        report = verify(self.table, self.dead_letters if self.dead_letters.exists() else None)
        assert report.findings == [], report

    def report(self) -> str:
        """The end of every daemon's log."""
        return "\n".join(
            f"--- daemon {n}, {daemon.process.returncode} ---\n{daemon.stderr[-3000:]}"
            for n, daemon in enumerate(self._daemons)
        )

    def close(self) -> None:
        """Kill what still runs."""
        for daemon in self._daemons:
            with contextlib.suppress(ProcessLookupError):
                daemon.kill()


def _section(name: str, keys: Mapping[str, Any]) -> str:
    return "\n".join([name, *(f"{key} = {_toml(value)}" for key, value in keys.items()), ""])


def _toml(value: object) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(key)} = {_toml(inner)}" for key, inner in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value)
