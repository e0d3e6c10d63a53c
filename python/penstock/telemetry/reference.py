"""`docs/metrics.md`, made from `metrics.py`: `python -m penstock.telemetry.reference > docs/metrics.md`."""

from __future__ import annotations

import sys
from itertools import groupby

from penstock.telemetry.metrics import Metrics

HEAD = """\
# Metrics

Made from `python/penstock/telemetry/metrics.py` by `python -m penstock.telemetry.reference`; change that file.

`[telemetry] listen = "127.0.0.1:9464"` serves them at `/metrics` in Prometheus' text format. Labels are places and
closed sets, never contents. For the process itself there are the usual `process_*` (CPU seconds, memory, open
descriptors, start). `deploy/alerts.yml` has alerts on the metrics that ask for somebody.

Loss accounting: for each stage (`decode`, `commit`),
`penstock_records_total = penstock_rows_total + penstock_dead_letters_total + penstock_records_filtered_total +
penstock_tombstones_total`. What is decoded and not committed is open, or was dropped by a rebalance or a failed write
and is read and counted again.
"""


def page() -> str:
    """The whole page."""
    parts = [HEAD]
    for stage, definitions in groupby(Metrics().definitions, lambda definition: definition.stage):
        parts.append(
            f"\n## {stage}\n\n| metric | kind | labels | meaning | what to do when it rises |\n|---|---|---|---|---|\n"
        )
        for found in definitions:
            cells = (f"`{found.name}`", found.kind, ", ".join(found.labels), found.meaning, found.rising)
            parts.append(f"| {' | '.join(cells)} |\n")
    return "".join(parts)


if __name__ == "__main__":
    sys.stdout.write(page())
