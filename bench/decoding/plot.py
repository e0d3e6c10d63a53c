"""The plot beside a results file: the share of memcpy that each reader reaches, a panel for each corpus."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import matplotlib as mpl
from matplotlib.figure import Figure

from bench.decoding.child import MEMCPY

if TYPE_CHECKING:
    from pathlib import Path

    from bench.decoding.results import Run

_OURS, _THEIRS, _WRONG = "#1f6feb", "#8c959f", "#cf222e"
_PANEL_INCHES: Final = (4.8, 2.3)
_COLUMNS: Final = 2


def draw(run: Run, path: Path) -> None:
    """Write an SVG. Who has no figure has no bar; memcpy, which is 1 everywhere, is left out."""
    corpora = run.corpora
    down = -(-len(corpora) // _COLUMNS)
    width, height = _PANEL_INCHES
    figure = Figure(figsize=(width * _COLUMNS, height * down + 0.3), layout="constrained")
    panels = figure.subplots(down, _COLUMNS, squeeze=False, sharex=True).flat
    for panel, corpus in zip(panels, corpora, strict=False):
        measured = [one for one in run.of(corpus) if one.reader != MEMCPY]
        ratios = [one.ratio_to_memcpy or 0 for one in measured]
        colours = [_WRONG if one.wrong else _OURS if one.reader.startswith("penstock") else _THEIRS for one in measured]
        labels = [
            "-" if one.ratio_to_memcpy is None else f"{ratio:.3f}" + (" wrong" if one.wrong else "")
            for one, ratio in zip(measured, ratios, strict=True)
        ]
        panel.bar_label(
            panel.barh([one.reader for one in measured], ratios, color=colours), labels, padding=3, fontsize=7
        )
        panel.set_title(corpus, loc="left", fontsize=9)
        panel.invert_yaxis()
        panel.tick_params(labelsize=7)
        panel.spines[["top", "right"]].set_visible(False)
        panel.margins(x=0.15)
    for panel in list(figure.axes)[len(corpora) :]:
        panel.set_visible(False)
    figure.supxlabel("share of memcpy of the same bytes, one thread", fontsize=8)
    with mpl.rc_context({"svg.hashsalt": "penstock", "svg.fonttype": "none"}):
        figure.savefig(path, format="svg", metadata={"Date": None})
