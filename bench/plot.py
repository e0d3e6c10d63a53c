"""The plot beside a results file: events per CPU second, a panel for each scenario and size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import matplotlib as mpl
from matplotlib.figure import Figure

from bench.entries import OURS
from bench.measured import ratios

if TYPE_CHECKING:
    from pathlib import Path

    from bench.results import Run

_OURS, _THEIRS, _WRONG = "#1f6feb", "#8c959f", "#cf222e"
_PANEL_INCHES: Final = (9.0, 1.3)


def draw(run: Run, path: Path) -> None:
    """Write an SVG."""
    groups = list(run.groups())
    width, height = _PANEL_INCHES
    figure = Figure(figsize=(width, height * len(groups) + 0.4), layout="constrained")
    panels = figure.subplots(len(groups), squeeze=False)[:, 0]
    for panel, group in zip(panels, groups, strict=True):
        to_best = ratios(group.measured, OURS)
        rates = [one.events_per_cpu_second for one in group.measured]
        colours = [_WRONG if one.wrong else _OURS if one.name == OURS else _THEIRS for one in group.measured]
        bars = panel.barh([one.name for one in group.measured], rates, color=colours)
        labels = [
            f"{rate:,.0f}  " + (f"{to_best[one.name]:.2f}x" if one.name in to_best else "wrong" if one.wrong else "")
            for one, rate in zip(group.measured, rates, strict=True)
        ]
        panel.bar_label(bars, labels, padding=4, fontsize=8)
        panel.set_title(group.title, loc="left", fontsize=9)
        panel.set_xlim(0, max(rates) * 1.25 or 1)
        panel.invert_yaxis()
        panel.tick_params(labelsize=8)
        panel.xaxis.set_major_formatter(lambda value, _position: f"{value:,.0f}")
        panel.spines[["top", "right"]].set_visible(False)
    panels[-1].set_xlabel("events per CPU second, start-up included", fontsize=8)
    with mpl.rc_context({"svg.hashsalt": "penstock", "svg.fonttype": "none"}):
        figure.savefig(path, format="svg", metadata={"Date": None})
