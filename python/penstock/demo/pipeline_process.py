"""`penstock run FILE` as a process of its own: the same command a user would give."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Final, Self

from penstock.errors import InternalError

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

STOP_SECONDS: Final = 40
"""Longer than the pipeline's own `shutdown_grace`."""

_LOG_LINES: Final = 12
_OVERRIDES: Final = "PENSTOCK__"
"""Environment variables that are stronger than the file: they are for the user's own pipelines and tables."""


class PipelineProcess:
    """Runs from construction on; its log goes to a file. As a context manager it never outlives the block."""

    def __init__(self, file: Path, log: Path) -> None:
        """Start. In its own process group: Ctrl-C reaches us, and we stop it in order."""
        self._log = log
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "penstock.cli.main", "run", str(file)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={name: value for name, value in os.environ.items() if not name.startswith(_OVERRIDES)},
                process_group=0,
            )

    def check(self) -> None:
        """Raise if it has ended, with the end of its log."""
        if self._process.poll() is not None:
            raise self._ended()

    def stop(self) -> None:
        """SIGTERM: it drains, commits and exits. Raises if it does not, or exits with an error."""
        self._process.terminate()
        try:
            code = self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            raise InternalError(
                f"The pipeline did not stop within {STOP_SECONDS} s of SIGTERM. Its log: {self._log}"
            ) from None
        if code:
            raise self._ended()

    def __enter__(self) -> Self:
        """Already started."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End it if it still runs: in order first, then for certain."""
        if self._process.poll() is None:
            try:
                with contextlib.suppress(InternalError):
                    self.stop()
            finally:
                self._process.kill()
                self._process.wait()

    def _ended(self) -> InternalError:
        text = self._log.read_text(encoding="utf-8", errors="replace")
        last = "\n".join(text.splitlines()[-_LOG_LINES:])
        return InternalError(f"The pipeline ended with exit code {self._process.returncode}. {self._log} ends:\n{last}")
