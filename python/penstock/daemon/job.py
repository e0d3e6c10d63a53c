"""A pipeline that delivers: its parts put together from the configuration, started and ended in order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from penstock._native import Engine
from penstock.pipeline import Pipeline, Totals
from penstock.source.kafka import KafkaSource

if TYPE_CHECKING:
    from penstock.config import Config
    from penstock.daemon.run import RunOptions


class Job:
    """One run. `run` once; `stop` at any time."""

    def __init__(self, config: Config, options: RunOptions) -> None:
        self.ended = True
        self._config = config
        self._options = options
        self._engine = Engine(config.engine_json(), config.pipeline.workers)
        self._source = KafkaSource(config.source)
        self._pipeline: Pipeline | None = None
        self._stopping = False

    def stop(self) -> None:
        """End soon: what is open is committed first."""
        self._stopping = True
        if self._pipeline is not None:
            self._pipeline.stop()

    async def run(self) -> Totals:
        """Connect, open the tables, deliver, end. Raises what ended it wrongly."""
        self.ended = False
        try:
            await self._source.connect()
            pipeline = self._pipeline = await self._assemble()
            if self._stopping:
                pipeline.stop()
            try:
                await pipeline.run()
            finally:
                pipeline.close()
        finally:
            self.ended = await self._source.stop()
        if pipeline.fault is not None:
            raise pipeline.fault
        return pipeline.totals
