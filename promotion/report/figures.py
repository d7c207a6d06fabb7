"""A plot as the page has it: an SVG in the page's own colours, a caption, an alternative text."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from hashlib import sha256
from html import escape
from io import BytesIO, StringIO

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from promotion.report.words import number, text

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


def as_html(figure: Figure) -> str:
    """A figure as the page has it: its title as a caption, its numbers as an alternative text.

    What shows photographs is a picture, the rest is drawn in the page's own colours.
    """
    said = described(figure)
    caption = _take_title(figure)
    photographs = any(axes.images for axes in figure.axes)
    shown = _picture(figure, said) if photographs else svg(figure, said)
    told = f"<figcaption>{escape(caption)}</figcaption>" if caption else ""
    return f'<figure class="plot">{shown}{told}</figure>'


def _take_title(figure: Figure) -> str:
    """The title of a figure, which is then no longer drawn."""
    title = figure.get_suptitle()
    if title:
        figure.suptitle("")
    elif len(figure.axes) == 1:
        title = figure.axes[0].get_title()
        figure.axes[0].set_title("")
    return _on_one_line(title)


def described(figure: Figure) -> str:
    """What a figure shows, in words: its titles, axes and curves, and what its plot tells of it."""
    told = _titles(figure)
    for axes in figure.axes:
        axis = text("figure.axes").format(x=axes.get_xlabel(), y=axes.get_ylabel())
        if axes.get_xlabel() and axes.get_ylabel():
            told.append(axis)
        for line in axes.lines:
            name, values = str(line.get_label()), np.asarray(line.get_ydata(), float)
            values = values[np.isfinite(values)]
            if not name.startswith("_") and len(values):
                low, high = number(values.min()), number(values.max())
                told.append(text("figure.curve").format(name=name, low=low, high=high))
    own = str(figure.get_label())
    return ". ".join([*told, own] if own else told)


def tell(figure: Figure, sentences: Sequence[str]) -> None:
    """Add to a figure's alternative text what its marks say, a sentence each."""
    figure.set_label(". ".join(sentences))


def _titles(figure: Figure) -> list[str]:
    own = [figure.get_suptitle(), *(axes.get_title() for axes in figure.axes)]
    own += [axes.get_title(loc="left") for axes in figure.axes]
    return [_on_one_line(title) for title in dict.fromkeys(own) if title]


def _on_one_line(title: str) -> str:
    return title.replace("\n", ", ")


def _picture(figure: Figure, alternative: str) -> str:
    """A figure with photographs as an image that the page holds."""
    buffer = BytesIO()
    figure.savefig(buffer, format="webp", dpi=110, pil_kwargs={"quality": 82})
    held = b64encode(buffer.getvalue()).decode()
    return f'<img src="data:image/webp;base64,{held}" alt="{escape(alternative)}">'


def svg(figure: Figure, alternative: str) -> str:
    """A figure as an SVG element that takes its colours from the page and fits its width.

    Letters are drawn, so that it looks the same whatever fonts a reader has; its words are in the
    caption and in the alternative text. With a fixed salt and no date, the same plot is the same
    bytes.
    """
    buffer = StringIO()
    with plt.rc_context({"svg.fonttype": "path", "svg.hashsalt": "promotion"}):
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    drawn = _PROLOGUE.sub("", buffer.getvalue())
    drawn = _DRAWN.sub(lambda found: _LONG.sub(r"\1", found[0]), drawn)
    drawn = _in_variables(drawn, VARIABLES)
    # Two plots on one page may not have names in common.
    drawn = _NAMED.sub(rf"\g<1>{sha256(drawn.encode()).hexdigest()[:8]}-", drawn)
    said = f'role="img" aria-label="{escape(alternative)}"'
    return _SIZE.sub(rf'\1 {said} style="width: 100%; max-width: \2pt"', drawn, count=1)


def _in_variables(drawn: str, names: Mapping[str, str]) -> str:
    for colour, name in names.items():
        drawn = drawn.replace(f": {colour}", f": var(--plot-{name}, {colour})")
    return drawn
