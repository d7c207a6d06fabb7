"""A plot as the page has it: drawn in the page's own colours, with its finding and its numbers."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from hashlib import sha256
from html import escape
from io import StringIO

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from promotion.report.photographs import Pictures, drawn
from promotion.report.words import capital, text

# The theme's colours by those of the paper: the style sheet gives the variables their values on
# dark ground, and what has no style sheet shows a plot on paper.
INK, FAINT, PAPER = "#1a1a1a", "#d9d9d9", "#fffffe"
CANDIDATE, BASELINE, OTHER = "#0072b2", "#b84a00", "#6b6b6b"
HELD = "#2a8f60"
# Seaborn's "colorblind", one a criterion of a canary.
CRITERION = ("#0173b2", "#de8f05", "#029e73", "#d55e00", "#cc78bc")
VARIABLES = {
    INK: "ink",
    FAINT: "faint",
    PAPER: "paper",
    CANDIDATE: "candidate",
    BASELINE: "baseline",
    OTHER: "other",
    HELD: "held",
    **{colour: f"criterion-{place}" for place, colour in enumerate(CRITERION, 1)},
}
_PROLOGUE = re.compile(r"^.*?(?=<svg)|<metadata>.*?</metadata>", re.DOTALL)
_SIZE = re.compile(r'(<svg[^>]*?) width="([\d.]+)pt" height="[\d.]+pt"')
_DRAWN = re.compile(r' (?:d|x|y|x1|y1|x2|y2)="[^"]*"')
_LONG = re.compile(r"(\.\d\d)\d+")
_NAMED = re.compile(r'( id="| xlink:href="#|url\(#)')


class Plot(Figure):
    """A figure with what it says.

    `title` says what it shows and `finding` what its numbers say, which is the caption; `marks` are
    its marks in words, for who cannot see them. `table` holds the numbers as plotted, in columns
    that are named as the code names them, and is downloaded under `name`.
    """

    name = ""
    title = ""
    finding = ""
    marks: Sequence[str] = ()
    table = pd.DataFrame()

    def says(
        self, name: str, title: str, finding: str, marks: Sequence[str], table: pd.DataFrame
    ) -> None:
        """Give the figure its name, its words and its numbers."""
        self.name, self.title, self.finding = name, title, finding
        self.marks, self.table = marks, table


def described(plot: Plot | Pictures) -> str:
    """What a plot shows, in words: its title, and what its marks say."""
    return ". ".join([plot.title, *plot.marks])


def as_csv(plot: Plot | Pictures) -> str:
    """The numbers behind a plot, a line a mark below a line of names."""
    return plot.table.to_csv(index=False, float_format="%.6g", lineterminator="\n")


def as_html(plot: Plot | Pictures) -> str:
    """A plot as the page has it: drawn, told, with its caption and its numbers to download."""
    shown = drawn(plot) if isinstance(plot, Pictures) else _panels(plot)
    held = b64encode(as_csv(plot).encode()).decode()
    link = (
        f'<a download="{plot.name}.csv" href="data:text/csv;charset=utf-8;base64,{held}">'
        f"{escape(text('figure.table'))}</a>"
    )
    finding = capital(plot.finding).removesuffix(".")
    caption = f"<strong>{escape(plot.title)}.</strong> {escape(finding)}. {link}"
    return f'<figure class="plot">{shown}<figcaption>{caption}</figcaption></figure>'


def _panels(plot: Plot) -> str:
    """The panels of a plot, each a drawing of its own: side by side where there is room."""
    drawings = []
    for axes in plot.axes:
        for one in plot.axes:
            one.set_visible(one is axes)
        drawings.append(_svg(plot))
    for one in plot.axes:
        one.set_visible(True)
    said = f'role="img" aria-label="{escape(described(plot))}"'
    return f'<div class="panels" {said}>{"".join(drawings)}</div>'


def _svg(plot: Plot) -> str:
    """What is visible of a plot as SVG that takes its colours from the page and fits its width.

    Letters are drawn, so that it looks the same whatever fonts a reader has; its words are in the
    caption and in the alternative text. With a fixed salt and no date, the same plot is the same
    bytes.
    """
    buffer = StringIO()
    with plt.rc_context({"svg.fonttype": "path", "svg.hashsalt": "promotion"}):
        plot.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    drawing = _PROLOGUE.sub("", buffer.getvalue())
    drawing = _DRAWN.sub(lambda found: _LONG.sub(r"\1", found[0]), drawing)
    drawing = _in_variables(drawing, VARIABLES)
    # Two plots on one page may not have names in common.
    drawing = _NAMED.sub(rf"\g<1>{sha256(drawing.encode()).hexdigest()[:8]}-", drawing)
    return _SIZE.sub(r'\1 style="width: 100%; max-width: \2pt"', drawing, count=1)


def _in_variables(drawn: str, names: Mapping[str, str]) -> str:
    for colour, name in names.items():
        drawn = drawn.replace(f": {colour}", f": var(--plot-{name}, {colour})")
    return drawn
