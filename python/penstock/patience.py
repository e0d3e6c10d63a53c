"""How long a failing neighbour is waited for."""

from __future__ import annotations

import asyncio
import time

from penstock.errors import GaveUpError
from penstock.telemetry.log import get_logger

log = get_logger("penstock.commit")

FIRST_SECONDS = 0.25
LONGEST_SECONDS = 5.0
GIVE_UP_SECONDS = 30.0
"""Whoever fails for so long without a break ends the process, which is safe to start again."""


class Patience:
    """Capped exponential backoff with an end. `what` begins the messages: "The sink"."""

    def __init__(self, what: str, give_up_seconds: float = GIVE_UP_SECONDS) -> None:
        self._what = what
        self._give_up_seconds = give_up_seconds
        self._since: float | None = None
        self._delay = FIRST_SECONDS
        self.failing: str | None = None
        """The last error; None once it works again."""

    async def wait(self, error: Exception | str) -> None:
        """Wait before the next try. Raises `GaveUpError` once failing has lasted too long."""
        now = time.monotonic()
        if self._since is None:
            self._since = now
        failing = now - self._since
        if failing >= self._give_up_seconds:
            raise GaveUpError(
                f"{self._what} has failed for {failing:.0f} s: {error} "
                "Nothing that is committed is affected; start again once it works."
            )
        self.failing = str(error)
        log.warning("Waiting before the next try.", what=self._what, error=str(error), seconds=self._delay)
        await asyncio.sleep(self._delay)
        self._delay = min(self._delay * 2, LONGEST_SECONDS)

    def reset(self) -> None:
        """It works again."""
        self.failing = None
        self._since = None
        self._delay = FIRST_SECONDS
