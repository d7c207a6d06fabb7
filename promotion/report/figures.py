"""A plot as the page has it: drawn in the page's own colours, with its finding and its numbers."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from hashlib import sha256
from html import escape
from io import BytesIO, StringIO

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

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


def described(plot: Plot) -> str:
    """What a plot shows, in words: its title, and what its marks say."""
    return ". ".join([plot.title, *plot.marks])


def as_csv(plot: Plot) -> str:
    """The numbers behind a plot, a line a mark below a line of names."""
    return plot.table.to_csv(index=False, float_format="%.6g", lineterminator="\n")


def as_html(plot: Plot) -> str:
    """A plot as the page has it: drawn, told, with its caption and its numbers to download.

    What shows photographs is a picture, the rest is drawn in the page's own colours.
    """
    photographs = any(axes.images for axes in plot.axes)
    shown = _picture(plot) if photographs else svg(plot)
    held = _held("text/csv;charset=utf-8", as_csv(plot).encode())
    link = f'<a download="{plot.name}.csv" href="{held}">{escape(text("figure.table"))}</a>'
    finding = capital(plot.finding).removesuffix(".")
    caption = f"<strong>{escape(plot.title)}.</strong> {escape(finding)}. {link}"
    return f'<figure class="plot">{shown}<figcaption>{caption}</figcaption></figure>'


def _held(kind: str, content: bytes) -> str:
    """A file as an address that holds it; the book's pages put it beside themselves."""
    return f"data:{kind};base64,{b64encode(content).decode()}"


def _picture(plot: Plot) -> str:
    """A figure with photographs as an image that the page holds."""
    buffer = BytesIO()
    plot.savefig(buffer, format="webp", dpi=110, pil_kwargs={"quality": 82})
    held = _held("image/webp", buffer.getvalue())
    return f'<img src="{held}" alt="{escape(described(plot))}">'


def svg(plot: Plot) -> str:
    """A plot as an SVG element that takes its colours from the page and fits its width.

    Letters are drawn, so that it looks the same whatever fonts a reader has; its words are in the
    caption and in the alternative text. With a fixed salt and no date, the same plot is the same
    bytes.
    """
    buffer = StringIO()
    with plt.rc_context({"svg.fonttype": "path", "svg.hashsalt": "promotion"}):
        plot.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    drawn = _PROLOGUE.sub("", buffer.getvalue())
    drawn = _DRAWN.sub(lambda found: _LONG.sub(r"\1", found[0]), drawn)
    drawn = _in_variables(drawn, VARIABLES)
    # Two plots on one page may not have names in common.
    drawn = _NAMED.sub(rf"\g<1>{sha256(drawn.encode()).hexdigest()[:8]}-", drawn)
    said = f'role="img" aria-label="{escape(described(plot))}"'
    return _SIZE.sub(rf'\1 {said} style="width: 100%; max-width: \2pt"', drawn, count=1)


def _in_variables(drawn: str, names: Mapping[str, str]) -> str:
    for colour, name in names.items():
        drawn = drawn.replace(f": {colour}", f": var(--plot-{name}, {colour})")
    return drawn
