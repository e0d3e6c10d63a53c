"""The columns of a pipeline that declares none: the table's, if it has some, else inferred and put there."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from penstock.commit import table
from penstock.decode import schema
from penstock.errors import ConfigError

if TYPE_CHECKING:
    from penstock.batch import Partition
    from penstock.config import Config
    from penstock.daemon.sample import Sampler
    from penstock.sink.storage import Storage


def read_columns(config: Config, storage: Storage) -> Config | None:
    """`config` with the columns that were inferred for the table before; None if none were. Blocks."""
    found = table.inferred_columns(storage)
    if found is not None:
        return schema.resolve(config, schema.from_records(f"{storage.location}/{table.COLUMNS}", found))
    if table.fixed_schema(storage) is not None:
        raise ConfigError(
            f"{storage.location}: the table's columns were declared, so they can't be inferred: declare them under "
            "[decode.columns], or write to a new path."
        )
    return None


async def settle_columns(config: Config, storage: Storage, sampler: Sampler) -> Config | None:
    """`config` with the table's columns, which every worker has alike; None if stopped before the first record.

    The table must have its origins: the sample begins there. Whoever puts its columns first decides for all.
    """
    known = await asyncio.to_thread(read_columns, config, storage)
    if known is not None:
        return known

    async def origin(partition: Partition) -> int | None:
        return await asyncio.to_thread(table.read_origin, storage, partition)

    values = await sampler.run(origin)
    if not values:
        return None
    columns = await asyncio.to_thread(schema.infer, config, values)
    await asyncio.to_thread(table.put_inferred_columns, storage, schema.to_records(columns))
    return await asyncio.to_thread(read_columns, config, storage)
