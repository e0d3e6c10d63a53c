"""The plot beside a results file: records per CPU second, a panel for each size and codec."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import matplotlib as mpl
from matplotlib.figure import Figure

from bench.fetching.measured import ratio

if TYPE_CHECKING:
    from pathlib import Path

    from bench.fetching.results import Run

_OURS, _THEIRS, _WRONG = "#1f6feb", "#8c959f", "#cf222e"
_PANEL_INCHES: Final = (9.0, 1.3)


def draw(run: Run, path: Path) -> None:
    """Write an SVG."""
    groups = list(run.groups())
    width, height = _PANEL_INCHES
    figure = Figure(figsize=(width, height * len(groups) + 0.4), layout="constrained")
    panels = figure.subplots(len(groups), squeeze=False)[:, 0]
    for panel, group in zip(panels, groups, strict=True):
        rates = [one.records_per_cpu_second for one in group.measured]
        colours = [_WRONG if one.wrong else _OURS if one.mode.startswith("fast") else _THEIRS for one in group.measured]
        bars = panel.barh([one.mode for one in group.measured], rates, color=colours)
        times = [ratio(group.measured, one.mode, "getmany") for one in group.measured]
        labels = [
            f"{rate:,.0f}  " + ("wrong" if one.wrong else f"{to_getmany:.2f}x" if to_getmany else "")
            for one, rate, to_getmany in zip(group.measured, rates, times, strict=True)
        ]
        panel.bar_label(bars, labels, padding=4, fontsize=8)
        panel.set_title(group.title, loc="left", fontsize=9)
        panel.set_xlim(0, max(rates) * 1.25 or 1)
        panel.invert_yaxis()
        panel.tick_params(labelsize=8)
        panel.xaxis.set_major_formatter(lambda value, _position: f"{value:,.0f}")
        panel.spines[["top", "right"]].set_visible(False)
    panels[-1].set_xlabel("records per CPU second, start-up included; beside it: times getmany", fontsize=8)
    with mpl.rc_context({"svg.hashsalt": "penstock", "svg.fonttype": "none"}):
        figure.savefig(path, format="svg", metadata={"Date": None})
