"""What plots have in common: the style, the colours of the roles, ticks, names beside curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.ticker import ScalarFormatter
from numpy.typing import NDArray

from promotion.comparison import RunFacts, Selection
from promotion.report.figures import BASELINE, CANDIDATE, FAINT, INK, OTHER, PAPER, Plot
from promotion.report.words import number, sentence, text

ROLES = {CANDIDATE: "candidate", BASELINE: "baseline", OTHER: "other"}
LABEL_SIZE = 9
# Names beside curves stand this far apart, in points.
LINE_HEIGHT = 13


def use_style() -> None:
    """The report's style: a light grid, and the colours that the page makes its own."""
    colours = {
        **dict.fromkeys(("text.color", "axes.labelcolor", "xtick.color", "ytick.color"), INK),
        **dict.fromkeys(("axes.edgecolor", "grid.color", "legend.edgecolor"), FAINT),
        **dict.fromkeys(("figure.facecolor", "axes.facecolor", "legend.facecolor"), PAPER),
    }
    rest = {
        "figure.dpi": 110,
        "savefig.bbox": "tight",
        "axes.titleweight": "bold",
        "patch.linewidth": 0,
        **{f"boxplot.{part}.color": INK for part in ("boxprops", "whiskerprops", "capprops")},
        # A dollar in a name is no formula.
        "text.parse_math": False,
    }
    sns.set_theme("notebook", "whitegrid", font_scale=0.9, rc={**colours, **rest})


def new_plot(
    width: float, height: float, rows: int = 1, columns: int = 1
) -> tuple[Plot, NDArray[np.object_]]:
    """An empty plot of a size in inches, and its panels (rows, columns)."""
    use_style()
    figure, axes = plt.subplots(
        rows, columns, figsize=(width, height), squeeze=False, FigureClass=Plot
    )
    # The notebook shows the figure as a cell's result; pyplot must not show it again.
    plt.close(figure)
    assert isinstance(figure, Plot)
    return figure, axes


class Ticks(ScalarFormatter):
    """Ticks with as many digits as tell them apart, written as the language writes numbers."""

    def __init__(self) -> None:
        super().__init__(useOffset=False)
        self.set_scientific(False)

    def __call__(self, x: float, pos: int | None = None) -> str:
        """The label of a tick at `x`."""
        return number(x, len(str(super().__call__(x, pos)).partition(".")[2]))


def own_ticks(axes: Axes) -> None:
    """Write the numbers on both axes as the language does."""
    for axis in (axes.xaxis, axes.yaxis):
        if isinstance(axis.get_major_formatter(), ScalarFormatter):
            axis.set_major_formatter(Ticks())


def on_split(title: str, split: str, images: int) -> str:
    """A title that says on what a figure was measured."""
    return sentence(title, {"split": split, "images": images})


def colour_of(configuration: str, selection: Selection) -> str:
    """The colour of a configuration: candidate's, baseline's, or that of all others."""
    roles = {selection.candidate: CANDIDATE, selection.baseline: BASELINE}
    return roles.get(configuration, OTHER)


def run_colours(runs: Sequence[RunFacts], selection: Selection) -> dict[str, str]:
    """The colour of each run: candidate, baseline or another configuration."""
    return {run.run_name: colour_of(run.configuration, selection) for run in runs}


def by_role(colours: Mapping[str, str]) -> dict[str, list[str]]:
    """The names of each colour's role, the candidate's first; a role that nobody has is left out.

    `colours` gives each name the colour of its role.
    """
    members = {
        role: [name for name, given in colours.items() if given == colour]
        for colour, role in ROLES.items()
    }
    return {role: names for role, names in members.items() if names}


def role_name(colour: str) -> str:
    """What a colour means, in words."""
    return text(f"role.{ROLES[colour]}")


def with_role(name: str, colour: str) -> str:
    """A name on an axis, with its role below it where it is the candidate's or the baseline's."""
    return name if colour == OTHER else f"{name}\n{role_name(colour)}"


@dataclass(frozen=True)
class End:
    """Where a curve ends on the right, how it is called there, and how it is drawn."""

    y: float
    name: str
    colour: str
    marker: str = ""


def name_ends(axes: Axes, ends: Sequence[End]) -> None:
    """Name curves right of the panel, at the height where they end, none over another.

    The panel's limits and size must be final.
    """
    low, high = axes.get_ylim()
    figure = axes.get_figure(root=True)
    assert figure is not None
    height = axes.get_position().height * figure.get_size_inches()[1] * 72
    step = LINE_HEIGHT / height
    wanted = sorted(((one.y - low) / (high - low), place) for place, one in enumerate(ends))
    for at, (_, place) in zip(_apart([at for at, _ in wanted], step), wanted, strict=True):
        one = ends[place]
        axes.text(
            1.05 if one.marker else 1.02,
            at,
            one.name,
            color=one.colour,
            size=LABEL_SIZE,
            va="center",
            transform=axes.transAxes,
        )
        if one.marker:
            axes.plot(
                1.03,
                at,
                one.marker,
                color=one.colour,
                ms=5,
                transform=axes.transAxes,
                clip_on=False,
            )


def _apart(rising: Sequence[float], step: float) -> list[float]:
    """Heights at least a step from one another and below 1, each as near as can be to its own."""
    placed: list[float] = []
    for at in rising:
        placed.append(max(at, placed[-1] + step) if placed else at)
    ceiling = 1.0
    for place in reversed(range(len(placed))):
        placed[place] = min(placed[place], ceiling)
        ceiling = placed[place] - step
    return placed


def draw_rising(axes: Axes, curves: Mapping[str, tuple[Sequence[float], str]]) -> None:
    """Draw the share of the values up to each value, a curve a name, with the name beside it.

    Each curve is its values and its colour; the one that lies furthest right is named on its right.
    """
    known = {name: one for name, one in curves.items() if len(one[0])}
    furthest = max(known, key=lambda name: float(np.median(known[name][0])), default="")
    for name, (values, colour) in known.items():
        sns.ecdfplot(x=np.asarray(values, float), ax=axes, color=colour)
        right = name == furthest
        share = 0.3 if right else 0.7
        axes.annotate(
            name,
            (float(np.quantile(values, share)), share),
            xytext=(8 if right else -8, 0),
            textcoords="offset points",
            ha="left" if right else "right",
            va="center",
            color=colour,
            size=LABEL_SIZE,
        )
