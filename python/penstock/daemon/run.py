"""One run of a pipeline as a process: puts the parts together, minds signals, and always comes to an end."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from penstock import failpoint
from penstock._native import build_info
from penstock.errors import ConfigError, PenstockError
from penstock.telemetry.log import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from penstock.config import Config
    from penstock.pipeline import Totals

log = get_logger("penstock.daemon")

EXIT_SECONDS = 15
"""Once told to end, threads that hang in storage or in aiokafka hold the process for no longer than this."""


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What the command line says beside the configuration."""

    until_end: bool = False
    max_records: int | None = None
    dry_run: bool = False
    take_over: bool = False
    output: str = "text"


@dataclass(frozen=True, slots=True)
class RunResult:
    """What a run made visible; `bytes_in` are record values decoded, `bytes_out` bytes of committed data files."""

    records: int
    rows: int
    dead_letters: int
    filtered: int
    tombstones: int
    commits: int
    bytes_in: int
    bytes_out: int
    seconds: float

    @classmethod
    def of(cls, totals: Totals, seconds: float) -> RunResult:
        """The result of a run that took `seconds`."""
        counts = totals.counts
        return cls(
            records=counts.records,
            rows=counts.rows,
            dead_letters=counts.dead_letters,
            filtered=counts.filtered,
            tombstones=counts.tombstones,
            commits=totals.commits,
            bytes_in=totals.bytes_in,
            bytes_out=totals.bytes_out,
            seconds=round(seconds, 3),
        )


def run(config: Config, options: RunOptions) -> RunResult:
    """Run until stopped, to the end or to a fault; blocks. Raises `PenstockError` for whatever ended it wrongly."""
    try:
        armed = failpoint.configured()
    except ValueError as error:
        raise ConfigError(str(error)) from None
    if armed is not None:
        log.warning(
            "A fail point is armed: this process will kill or stop itself.",
            name=armed.name,
            passes=armed.passes,
            signal=armed.signal.name,
        )
    log.info("Starting.", pipeline=config.pipeline.name, version=build_info()["version"], pid=os.getpid())
    started = time.monotonic()
    work = _prepare(config, options)
    gc.freeze()  # What is there now stays: it need not be looked through again and again.
    gc.enable()
    loop = asyncio.new_event_loop()
    exit_code = 70
    try:
        totals = loop.run_until_complete(_run(work))
        exit_code = 0
    except PenstockError as error:
        exit_code = error.exit_code
        if config.telemetry.log == "json":  # in text the command line's own message says it
            log.error("Ended by an error.", error=str(error), exit_code=exit_code)  # noqa: TRY400 - expected
        raise
    finally:
        if work.ended:
            loop.close()
        else:
            # What is left on the loop or in threads may never end by itself, and `asyncio.run` would wait for it.
            _end_soon(exit_code)
    return RunResult.of(totals, time.monotonic() - started)


class Work(Protocol):
    """What a process does between its start and its end."""

    @property
    def ended(self) -> bool:
        """Nothing of it is left on the event loop or in threads."""

    def stop(self) -> None:
        """Come to an end soon."""

    async def run(self) -> Totals:
        """All of it, with its clean-up."""


def _prepare(config: Config, options: RunOptions) -> Work:
    if options.dry_run:
        from penstock.daemon.dry_run import DryRun  # noqa: PLC0415 - each with its own imports

        return DryRun(config, options)
    from penstock.daemon.job import Job  # noqa: PLC0415

    return Job(config, options)


async def _run(work: Work) -> Totals:
    _mind_signals(work.stop)
    try:
        return await work.run()
    except BaseExceptionGroup as group:
        raise telling(group) from group


def _mind_signals(stop: Callable[[], None]) -> None:
    """The first SIGTERM or SIGINT drains and commits, a second one quits at once, which loses nothing either."""
    loop = asyncio.get_running_loop()
    seen = 0

    def on_signal(number: signal.Signals) -> None:
        nonlocal seen
        seen += 1
        if seen > 1:
            log.warning(
                "Second signal: quitting at once. What is not committed will be read again.", signal=number.name
            )
            sys.stderr.flush()
            os._exit(128 + number)
        log.info("Stopping: what is open is committed first.", signal=number.name)
        stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal, number)


def telling(group: BaseExceptionGroup) -> BaseException:
    """The one failure of several that tells what happened: an expected one, if there is any."""
    leaves = list(_leaves(group))
    return next((leaf for leaf in leaves if isinstance(leaf, PenstockError)), leaves[0])


def _leaves(group: BaseExceptionGroup) -> Iterator[BaseException]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error


def _end_soon(exit_code: int) -> None:
    def end() -> None:
        time.sleep(EXIT_SECONDS)
        log.error("Threads did not end; the process is ended.", seconds=EXIT_SECONDS)
        sys.stderr.flush()
        os._exit(exit_code)

    threading.Thread(target=end, daemon=True, name="end").start()
