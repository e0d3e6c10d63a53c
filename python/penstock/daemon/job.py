"""A pipeline that delivers: its parts put together from the configuration, started and ended in order."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import asdict
from typing import TYPE_CHECKING

from penstock._native import Engine
from penstock.commit.acknowledge import Acknowledger
from penstock.commit.parquet_directory import ParquetDirectory
from penstock.commit.protocol import Settings
from penstock.dead_letter import DeadLetterLimit
from penstock.health import Health
from penstock.pipeline import Limits, Pipeline, Totals
from penstock.positions import Positions
from penstock.sink.local import open_local
from penstock.sink.rotation import Rotation
from penstock.source.open import open_source
from penstock.telemetry.heartbeat import beating
from penstock.telemetry.log import get_logger
from penstock.telemetry.metrics import Metrics
from penstock.telemetry.stuck import watching

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from penstock.commit.effects import Table
    from penstock.config import Config
    from penstock.daemon.run import RunOptions
    from penstock.daemon.sample import Sampler
    from penstock.sink.storage import Storage
    from penstock.source.source import Source


log = get_logger("penstock.daemon")


class Job:
    """One run. `run` once; `stop` at any time. It is what the telemetry observes."""

    def __init__(
        self,
        config: Config,
        options: RunOptions,
        *,
        source: Source | None = None,
        open_storage: Callable[[Path], Storage] = open_local,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """The source is that of `config` unless one is given. `open_storage` may block; `clock`: see `Pipeline`."""
        self.ended = True
        self._config = config
        self._options = options
        self._engine = self._make_engine(config) if config.decode.columns else None
        self._metrics = Metrics()
        self._source = open_source(config, self._metrics) if source is None else source
        self._sampler = None if self._engine else self._make_sampler()
        self._open_storage = open_storage
        self._clock = clock
        self._pipeline: Pipeline | None = None
        self._health: Health | None = None
        self._stopping = False

    def stop(self) -> None:
        """End soon: what is open is committed first."""
        self._stopping = True
        if self._sampler is not None:
            self._sampler.stop()
        if self._pipeline is not None:
            self._pipeline.stop()

    async def run(self) -> Totals:
        """Connect, open the tables, deliver, end. Raises what ended it wrongly.

        Without declared columns and without a record nothing can be delivered: stopped then, it has done nothing.
        """
        with watching(self._metrics.loop_stalls.inc):
            async with self._served(), beating(self, self._metrics):
                return await self._deliver()

    def observe(self) -> None:
        """Set the gauges, once there is something to see."""
        if self._health is not None:
            self._health.observe()

    def not_ready(self) -> str | None:
        """Why records may not get through now."""
        if self._health is None:
            return "It is starting: the source, the tables or their columns are not known yet."
        return self._health.not_ready()

    async def _deliver(self) -> Totals:
        self.ended = False
        started = time.monotonic()
        try:
            await self._source.connect()
            pipeline = self._pipeline = await self._assemble()
            if pipeline is None:
                return Totals()
            self._health = Health(pipeline, self._source)
            if self._stopping:
                pipeline.stop()
            try:
                await pipeline.run()
            finally:
                pipeline.close()
                _summarise(pipeline.totals, time.monotonic() - started)
        finally:
            self.ended = await self._source.stop() and (self._sampler is None or self._sampler.ended)
        if pipeline.fault is not None:
            raise pipeline.fault
        return pipeline.totals

    async def _assemble(self) -> Pipeline | None:
        """The pipeline, with its tables claimed and, at the first start, an origin for every partition there is.

        None if it was stopped before there was a record to infer columns from.
        """
        positions = Positions(self._source)
        tables = await asyncio.to_thread(self._open_tables)
        if self._source.finite:
            self._source.recognise(await asyncio.to_thread(tables.topics))
        log.info(
            "The source is connected, and the tables are open.",
            source=self._source.cluster_id,
            path=str(self._config.sink.path),
            dead_letter_path=str(self._config.dead_letter.path),
        )
        if await asyncio.to_thread(lambda: tables.first_start):
            origins = await positions.origins(self._config.source.start)
            await asyncio.to_thread(tables.put_origins, origins)
        config, engine = self._config, self._engine
        if engine is None:
            settled = await self._settle()
            if settled is None:
                return None
            config, engine = settled, self._make_engine(settled)
            await asyncio.to_thread(tables.declare, _schemas(engine))
        limit, cut = config.dead_letter.limit, config.sink.cut
        self._metrics.memory_limit_bytes.set(config.pipeline.memory_limit)
        return Pipeline(
            self._source,
            engine,
            tables,
            positions=positions,
            settings=Settings(config.plan_digest(engine.schema_json("main")), config.source.on_gap),
            limits=Limits(
                memory_bytes=config.pipeline.memory_limit,
                shutdown_seconds=config.pipeline.shutdown_grace.total_seconds(),
                continue_on_fault=config.pipeline.on_fault == "continue",
                max_records=self._options.max_records,
                until_end=self._options.until_end,
            ),
            rotation=Rotation(cut.bytes, cut.rows, cut.age.total_seconds()),
            dead_letter_limit=DeadLetterLimit(limit.ratio, limit.run),
            acknowledger=Acknowledger(tables.table_id, self._source.acknowledge, self._metrics),
            metrics=self._metrics,
            clock=self._clock,
        )

    @contextlib.asynccontextmanager
    async def _served(self) -> AsyncIterator[None]:
        listen = self._config.telemetry.listen
        if listen is None:
            yield
            return
        from penstock.telemetry.server import serve  # noqa: PLC0415 - nothing of HTTP where nothing is served

        async with serve(listen, self, self._metrics):
            yield

    def _make_sampler(self) -> Sampler:
        from penstock.daemon.sample import make_sampler  # noqa: PLC0415 - only where columns are not declared

        return make_sampler(self._config, self._source, until_end=self._options.until_end)

    async def _settle(self) -> Config | None:
        from penstock.daemon.columns import settle_columns  # noqa: PLC0415 - as above

        assert self._sampler is not None  # noqa: S101 - made where there is no engine yet
        return await settle_columns(self._config, self._main, self._sampler)

    def _open_tables(self) -> ParquetDirectory:
        """Make or open both tables; blocks."""
        config = self._config
        self._main = self._open_storage(config.sink.path)
        return ParquetDirectory(
            self._main,
            self._open_storage(config.dead_letter.path),
            name=config.pipeline.name,
            cluster_id=self._source.cluster_id,
            schemas=None if self._engine is None else _schemas(self._engine),
            take_over=self._options.take_over,
        )

    @staticmethod
    def _make_engine(config: Config) -> Engine:
        return Engine(config.engine_json(), config.pipeline.workers)


def _schemas(engine: Engine) -> dict[Table, str]:
    return {"main": engine.schema_json("main"), "dead_letter": engine.schema_json("dead_letter")}


def _summarise(totals: Totals, seconds: float) -> None:
    log.info(
        "Everything that was committed in this run.",
        **asdict(totals.counts),
        commits=totals.commits,
        bytes_in=totals.bytes_in,
        bytes_out=totals.bytes_out,
        seconds=round(seconds, 1),
    )
