"""`run --dry-run`: reads without a group, decodes, prints rows; writes and commits nothing."""

from __future__ import annotations

import asyncio
import sys
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import orjson
import structlog

from penstock._native import Engine
from penstock.batch import Counts
from penstock.daemon.columns import read_columns
from penstock.daemon.sample import make_sampler
from penstock.decode import schema
from penstock.frame_fault import LEADER_EPOCH_FELL, truncated
from penstock.pipeline import POLL_SECONDS, Totals, up_to
from penstock.positions import Positions
from penstock.sink.local import LocalStorage
from penstock.source.open import open_source
from penstock.telemetry.metrics import Metrics

if TYPE_CHECKING:
    from collections.abc import Sequence

    from penstock._native import Fault, Ingested
    from penstock.batch import Partition, RawBatch
    from penstock.config import Config
    from penstock.daemon.run import RunOptions

log = structlog.get_logger("penstock.dry_run")

_EPOCH = 1


class DryRun:
    """Prints each row as a line of JSON; dead letters are logged by place and code."""

    def __init__(self, config: Config, options: RunOptions) -> None:
        self.ended = True
        self._config = config
        self._options = options
        self._source = open_source(config, Metrics(), group=False)
        self._positions = Positions(self._source)
        self._sampler = make_sampler(config, self._source, until_end=options.until_end)
        self._engine: Engine
        self._assigned: list[Partition] = []
        self._next: dict[Partition, int] = {}
        self._stopping = False
        self._totals = Totals()

    def stop(self) -> None:
        """End soon."""
        self._stopping = True
        self._sampler.stop()

    def assigned(self, partitions: Sequence[Partition]) -> None:
        """All of them, once."""
        self._assigned.extend(partitions)

    async def revoked(self, partitions: Sequence[Partition]) -> None:
        """Never: there is no group."""

    async def run(self) -> Totals:
        """Until stopped, `--max-records` or `--until-end`."""
        try:
            await self._source.connect()
            origins = await self._positions.origins(self._config.source.start)
            config = await self._resolved(origins)
            if config is not None:
                self._engine = Engine(config.engine_json(batches=True), config.pipeline.workers)
                await self._source.join(self)
                await self._read(origins)
        finally:
            self.ended = await self._source.stop() and self._sampler.ended
        return self._totals

    async def _resolved(self, origins: dict[Partition, int]) -> Config | None:
        """The configuration with columns: declared, the table's, or inferred as a run would, but kept nowhere."""
        if self._config.decode.columns:
            return self._config
        known = await asyncio.to_thread(self._known)
        if known is not None:
            return known

        async def origin(partition: Partition) -> int | None:
            return origins.get(partition)

        values = await self._sampler.run(origin)
        if not values:
            return None
        return schema.resolve(self._config, await asyncio.to_thread(schema.infer, self._config, values))

    def _known(self) -> Config | None:
        path = self._config.sink.path
        return read_columns(self._config, LocalStorage(path)) if path.is_dir() else None

    async def _read(self, origins: dict[Partition, int]) -> None:
        while not self._stopping and not self._at_end():
            if self._left() == 0:
                return
            batches = await self._source.poll(POLL_SECONDS)
            while self._assigned:
                partition = self._assigned.pop()
                await self._positions.state(partition)
                self._engine.open(partition.topic, partition.number, _EPOCH, 0, None)
                self._next[partition] = origins.get(partition, 0)
                self._source.seek(partition, self._next[partition], _EPOCH)
            for error in self._source.faults().values():
                raise error
            await self._ingest(batches)
            if self._source.finite:
                self._leave_ended()

    async def _ingest(self, batches: Sequence[RawBatch]) -> None:
        while batches and self._left() != 0:
            taken, batches = up_to(batches, self._left())
            self._show(taken, await asyncio.to_thread(self._engine.ingest, taken))

    def _left(self) -> int | None:
        """Records that may still be shown."""
        limit = self._options.max_records
        return None if limit is None else limit - self._totals.counts.records

    def _leave_ended(self) -> None:
        for partition in [partition for partition in self._next if self._ended(partition)]:
            del self._next[partition]
            self._engine.discard(partition.topic, partition.number, _EPOCH)
            self._source.finished(partition)

    def _at_end(self) -> bool:
        if self._source.finite:
            return self._source.settled and not self._next and not self._assigned
        if not self._options.until_end or not self._next:
            return False
        return all(map(self._ended, self._next))

    def _ended(self, partition: Partition) -> bool:
        end = self._source.end(partition)
        return end is not None and self._next[partition] >= end

    def _show(self, batches: Sequence[RawBatch], ingested: Ingested) -> None:
        import pyarrow as pa  # noqa: PLC0415 - only a dry run prints rows

        for batch, report, rejections, rows in zip(
            batches, ingested.reports, ingested.rejections, ingested.batches, strict=True
        ):
            self._next[batch.partition] = report.next_offset
            if report.fault is not None:
                self._meet(batch.partition, report.fault)
            for rejection in rejections:
                log.warning(
                    "Dead letter.",
                    partition=str(batch.partition),
                    offset=rejection.offset,
                    code=rejection.code,
                    byte_position=rejection.byte_position,
                    reason=rejection.message,
                )
            for row in pa.record_batch(rows).to_pylist():
                sys.stdout.write(orjson.dumps(row, default=_plain).decode() + "\n")
            self._totals.bytes_in += report.bytes
            self._totals.counts += Counts(
                report.records, report.rows, report.dead_letters, report.filtered, report.tombstones
            )

    def _meet(self, partition: Partition, fault: Fault) -> None:
        if fault.code == LEADER_EPOCH_FELL:
            raise truncated(partition, fault)
        self._source.refetch(partition, fault.offset, fault.message)


def _plain(value: Any) -> Any:
    """What JSON has no word for: bytes in hexadecimal, decimals as text."""
    match value:
        case bytes():
            return value.hex()
        case Decimal():
            return f"{value:f}"  # not `0E-9`
    return str(value)
