"""Plots of the data: the persons' sizes, and pictures with their annotations."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.patches import Rectangle
from scipy.stats import ks_2samp

from promotion.datasets import images_of, labels_of, read_image, read_labels
from promotion.report.figures import BASELINE, CANDIDATE, OTHER, Plot
from promotion.report.plots.drawing import new_plot, own_ticks
from promotion.report.plots.pictures import FOUND, name_picture
from promotion.report.words import listed, sentence, text

# A colour and a line of its own for each split, as the curves lie over one another.
SPLIT_STYLES = ((OTHER, "-"), (CANDIDATE, "--"), (BASELINE, ":"))


def box_sizes(heights: Mapping[str, Sequence[float]]) -> Plot:
    """The distribution of the persons' heights in pixels, one curve a split."""
    figure, ((axes,),) = new_plot(7, 3.2)
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


def sample_pictures(folder: Path, split: str, most: int = 6) -> Plot:
    """Pictures of a split, spread over it, with their annotated boxes and their names."""
    paths = images_of(folder, split)
    chosen = [paths[i] for i in np.linspace(0, len(paths) - 1, min(most, len(paths))).astype(int)]
    columns = min(3, len(chosen))
    rows = math.ceil(len(chosen) / columns)
    figure, axes = new_plot(10, 3.4 * rows, rows, columns)
    for axis in axes.ravel():
        axis.axis("off")
    boxes, marks = [], []
    for axis, path in zip(axes.ravel(), chosen, strict=False):
        image = read_image(path)
        height, width = image.shape[:2]
        axis.imshow(cv2.cvtColor(image, cv2.COLOR_BGR2RGB))
        labels = read_labels(labels_of(path))
        for _, x, y, w, h in labels:
            corner = ((x - w / 2) * width, (y - h / 2) * height)
            size = (w * width, h * height)
            axis.add_patch(Rectangle(corner, *size, fill=False, edgecolor=FOUND, linewidth=1.3))
            boxes.append((path.name, *corner, corner[0] + size[0], corner[1] + size[1]))
        name_picture(axis, [path.name])
        marks.append(sentence("figure.sample", {"image": path.name, "persons": len(labels)}))
    figure.tight_layout()
    facts = {"shown": len(chosen), "images": len(paths), "persons": len(boxes)}
    figure.says(
        f"pictures_{split}",
        sentence("plot.samples.title", {"split": split}),
        sentence("figure.samples.finding", facts),
        marks,
        pd.DataFrame(boxes, columns=["image", "x0", "y0", "x1", "y1"]),
    )
    return figure
