"""Penstock with a storage that takes few bytes a second: `python -m tests.broker.slow_sink run FILE`."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from penstock.cli.main import main
from penstock.sink.local import LocalFile

if TYPE_CHECKING:
    from typing_extensions import Buffer

VARIABLE = "SLOW_SINK_BYTES_PER_SECOND"
"""How many, for each thread that writes."""


def slow_down(bytes_per_second: float) -> None:
    """All writes in this process."""
    write = LocalFile.write

    def slow_write(self: LocalFile, data: Buffer) -> None:
        write(self, data)
        time.sleep(memoryview(data).nbytes / bytes_per_second)

    LocalFile.write = slow_write  # type: ignore[method-assign]


if __name__ == "__main__":
    slow_down(float(os.environ[VARIABLE]))
    main()
