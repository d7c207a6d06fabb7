"""The plot of the data: how large the persons are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
import pandas as pd
import seaborn as sns
from scipy.stats import ks_2samp

from promotion.report.figures import BASELINE, CANDIDATE, OTHER, Plot
from promotion.report.plots.drawing import new_plot, own_ticks
from promotion.report.words import listed, sentence, text

# A colour and a line of its own for each split, as the curves lie over one another.
SPLIT_STYLES = ((OTHER, "-"), (CANDIDATE, "--"), (BASELINE, ":"))


def box_sizes(heights: Mapping[str, Sequence[float]]) -> Plot:
    """The distribution of the persons' heights in pixels, one curve a split."""
    figure, ((axes,),) = new_plot(6, 3.2)
    tables = []
    for (colour, line), (split, values) in zip(SPLIT_STYLES, heights.items(), strict=False):
        if len(set(values)) > 1:
            label = text(f"split.{split}")
            sns.kdeplot(
                x=np.asarray(values), ax=axes, label=label, color=colour, linestyle=line, cut=0
            )
            drawn = axes.lines[-1]
            curve = {"height_px": drawn.get_xdata(), "density": drawn.get_ydata()}
            tables.append(pd.DataFrame({"split": split, **curve}))
    axes.set(xlabel=text("plot.sizes.x"), ylabel=text("plot.sizes.y"), xlim=(0, None))
    own_ticks(axes)
    if axes.lines:
        axes.legend(labelcolor="linecolor", frameon=False)
    known = {split: values for split, values in heights.items() if len(values)}
    marks = [_sizes_told("figure.sizes", split, values) for split, values in known.items()]
    medians = [_sizes_told("figure.median", split, values) for split, values in known.items()]
    finding = sentence("figure.sizes.finding", {"medians": listed(medians)})
    distances = {
        pair: float(ks_2samp(known[pair[0]], known[pair[1]]).statistic)
        for pair in combinations(known, 2)
    }
    if distances:
        one, other = max(distances, key=distances.__getitem__)
        facts = {"one": one, "other": other, "distance": distances[one, other]}
        finding += " " + sentence("figure.sizes.distance", facts)
    table = pd.concat(tables) if tables else pd.DataFrame(columns=["split", "height_px", "density"])
    figure.says("person_heights", text("plot.sizes.title"), finding, marks, table)
    return figure


def _sizes_told(key: str, split: str, values: Sequence[float]) -> str:
    low, median, high = np.percentile(values, (5, 50, 95))
    facts = {"split": split, "persons": len(values), "low": low, "median": median, "high": high}
    return sentence(key, facts)
