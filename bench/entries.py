"""Who takes part in `bench/run.py`: Penstock, and the scripts in `bench/peers` that people write today."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench.job import pipeline_file

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.feed import Feed
    from bench.job import Scenario, Size

OURS: Final = "penstock"
_PEERS: Final = Path(__file__).parent / "peers"


@dataclass(frozen=True, slots=True)
class Entry:
    """One that does the job. Its table is in `directory / "table"` afterwards."""

    name: str
    needs: str
    """The package without which it is left out."""

    @property
    def present(self) -> bool:
        """Whether it can take part."""
        return find_spec(self.needs) is not None

    def environment(self, size: Size) -> dict[str, str]:
        """What it finds there beside ours."""
        return {"TEXT": "1"} if self.name != OURS and size.address_every else {}

    def prepare(self, scenario: Scenario, size: Size, feed: Feed, directory: Path) -> Sequence[str]:
        """Write what it needs into the empty `directory`; the command that does the job."""
        table = directory / "table"
        kafka = scenario == "kafka_to_parquet"
        if self.name != OURS:
            table.mkdir()
            where = ("kafka", feed.brokers, feed.topic) if kafka else ("file", str(feed.file))
            return (sys.executable, str(_PEERS / f"{self.name}.py"), *where, str(table))
        source: Mapping[str, object] = (
            {"type": "kafka", "brokers": [feed.brokers], "topics": [feed.topic], "start": "earliest"}
            if kafka
            else {"type": "file", "path": str(feed.file)}
        )
        pipeline = directory / "pipeline.toml"
        pipeline.write_text(pipeline_file(source, size, table))
        return (sys.executable, "-m", "penstock.cli.main", "run", str(pipeline), "--until-end", "--output", "json")


ENTRIES: Final = (Entry(OURS, "penstock"), Entry("script_pyarrow", "pyarrow"), Entry("script_polars", "polars"))
