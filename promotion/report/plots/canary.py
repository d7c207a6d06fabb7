"""Plots of the canary: what was known after each batch, answers in time, drift."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from promotion.canary import CRITERIA, FREE, METRICS, PERCENTILE, SIDES, Look
from promotion.report.figures import BASELINE, CANDIDATE, CRITERION, INK, OTHER, Plot
from promotion.report.plots.drawing import (
    LABEL_SIZE,
    End,
    draw_rising,
    name_ends,
    new_plot,
    own_ticks,
)
from promotion.report.words import listed, number, percent, sentence, text

# Beyond twice what is required, more evidence changes nothing.
MOST_EVIDENCE = 2.0
MARKERS = ("o", "s", "^", "D", "v")


def canary_differences(looks: Sequence[Look]) -> Plot:
    """Challenger − champion after each batch, with the bounds that hold at all batches together."""
    figure, (row,) = new_plot(10, 3.6, 1, len(METRICS))
    images = [look.images for look in looks]
    for axes, metric in zip(row, METRICS, strict=True):
        found = [look.criterion(metric) for look in looks]
        low, high = zip(*(one.bounds for one in found), strict=True)
        axes.fill_between(images, low, high, color=CANDIDATE, alpha=0.2)
        axes.plot(images, [one.value for one in found], "o-", color=CANDIDATE, ms=4)
        axes.axhline(0, color=INK, linewidth=0.8)
        axes.axhline(found[0].limit, color=BASELINE, linestyle="--")
        axes.annotate(
            text("plot.margin"),
            (0, found[0].limit),
            xycoords=("axes fraction", "data"),
            xytext=(5, 3),
            textcoords="offset points",
            color=BASELINE,
            size=LABEL_SIZE,
        )
        axes.set(xlabel=text("plot.canary.x"), ylabel=text(f"canary.{metric}"))
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        own_ticks(axes)
    figure.tight_layout()
    last = looks[-1]
    told = [
        sentence("figure.canary.difference", dict(last.criterion(metric))) for metric in METRICS
    ]
    marks = [
        sentence("figure.canary.look", {**dict(look.criterion(metric)), "images": seen})
        for metric in METRICS
        for seen, look in {look.images: look for look in looks}.items()
    ]
    finding = sentence("figure.canary.finding", {"images": last.images, "told": listed(told)})
    table = _table(looks, METRICS, ("value", "low", "high", "limit"))
    figure.says("canary_differences", text("plot.canary.differences"), finding, marks, table)
    return figure


def canary_evidence(looks: Sequence[Look]) -> Plot:
    """How far each criterion is from being held, and from being broken, after each batch."""
    figure, (row,) = new_plot(7.4, 3.4, 1, 2)
    images = [look.images for look in looks]
    # A mark below another one shows at its edges.
    sizes = np.linspace(8, 4, len(CRITERIA))
    named = []
    for axes, side in zip(row, ("for", "against"), strict=True):
        ends = []
        for colour, marker, size, name in zip(CRITERION, MARKERS, sizes, CRITERIA, strict=True):
            values = np.minimum(
                [getattr(look.criterion(name), f"evidence_{side}") for look in looks], MOST_EVIDENCE
            )
            axes.plot(images, values, f"{marker}-", ms=size, lw=1.5, color=colour)
            ends.append(End(float(values[-1]), text(f"canary.{name}"), colour, marker))
        axes.axhline(1, color=INK, linestyle="--", linewidth=1)
        axes.set(xlabel=text("plot.canary.x"), title=text(f"plot.evidence.{side}"))
        axes.set_ylim(-0.05, MOST_EVIDENCE + 0.05)
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        own_ticks(axes)
        axes.set_ylabel(text("plot.evidence.y"))
        named.append((axes, ends))
    figure.tight_layout()
    for axes, ends in named:
        name_ends(axes, ends)
    last = looks[-1]
    states = {
        state: [one.name for one in last.criteria if one.state == state]
        for state in ("held", "broken", "open")
    }
    told = [
        sentence(f"figure.criteria.{state}", {"criteria": names})
        for state, names in states.items()
        if names
    ]
    finding = sentence("figure.canary.finding", {"images": last.images, "told": listed(told)})
    marks = [sentence("figure.evidence", dict(one)) for one in last.criteria]
    table = _table(looks, CRITERIA, ("evidence_for", "evidence_against"))
    figure.says("canary_evidence", text("plot.evidence.title"), finding, marks, table)
    return figure


def _table(looks: Sequence[Look], criteria: Sequence[str], names: Sequence[str]) -> pd.DataFrame:
    """One row a batch and criterion: these of its figures."""
    rows = []
    for look in looks:
        for criterion in criteria:
            one = dict(look.criterion(criterion))
            one["low"], one["high"] = one["bounds"]
            facts = {"images": look.images, "criterion": criterion}
            rows.append({**facts, **{name: one[name] for name in names}})
    return pd.DataFrame(rows)


def canary_latencies(timings: pd.DataFrame, limit: float, requests: int) -> Plot:
    """The share of answers that came within a time, for both sides, under the same load.

    The title says for which share of the requests the machine was free.
    """
    figure, ((axes,),) = new_plot(6, 3.4)
    sides = {side: timings[f"ms_{side}"] for side in SIDES}
    curves = {
        text(f"contender.{side}"): (list(values), colour)
        for (side, values), colour in zip(sides.items(), (CANDIDATE, BASELINE), strict=True)
    }
    draw_rising(axes, curves)
    share = PERCENTILE / 100
    axes.axvline(limit, color=INK, linestyle="--", linewidth=1)
    axes.axhline(share, color=INK, linestyle=":", linewidth=1)
    facts = {"limit": limit, "share": share, "requests": requests}
    axes.annotate(
        sentence("plot.canary.limit", facts),
        (limit, 0.05),
        xytext=(-4, 0),
        textcoords="offset points",
        ha="right",
        size=LABEL_SIZE,
    )
    axes.set(xlabel=text("plot.latency.x"), ylabel=text("plot.canary.share"))
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(lambda value, _: number(value, 0 if value >= 1 else 1))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.yaxis.set_major_formatter(lambda value, _: percent(value))
    in_time = {side: float((values <= limit).mean()) for side, values in sides.items()}
    told = [
        sentence("figure.in_time.side", {"side": side, "share": found})
        for side, found in in_time.items()
    ]
    marks = [
        sentence("figure.latency", {"name": text(f"contender.{side}"), **_spread(values)})
        for side, values in sides.items()
    ]
    free = float((timings["free"] >= FREE).mean())
    figure.says(
        "canary_latencies",
        sentence("plot.canary.latency", {**facts, "free": free}),
        sentence("figure.in_time", {**facts, "told": listed(told)}),
        marks,
        timings[["free", *(f"ms_{side}" for side in SIDES)]],
    )
    return figure


def _spread(values: pd.Series) -> Mapping[str, float]:
    low, median, high = np.percentile(values, (5, 50, 95))
    return {"low": low, "median": median, "high": high}


def canary_drift(reference: pd.DataFrame, observations: pd.DataFrame) -> Plot:
    """What the challenger draws in an image: on test, and on the canary."""
    figure, (row,) = new_plot(10, 3.4, 1, 2)
    told, tables = [], []
    for axes, column in zip(row, ("boxes", "confidence"), strict=True):
        seen = {"test": reference[column], "canary": observations[f"{column}_challenger"]}
        seen = {split: values.dropna() for split, values in seen.items()}
        curves = {
            text(f"split.{split}"): (list(values), colour)
            for (split, values), colour in zip(seen.items(), (OTHER, CANDIDATE), strict=True)
        }
        draw_rising(axes, curves)
        axes.set(xlabel=text(f"plot.drift.{column}"), ylabel=text("plot.canary.share"))
        own_ticks(axes)
        axes.yaxis.set_major_formatter(lambda value, _: percent(value))
        means = {split: float(values.mean()) for split, values in seen.items()}
        told.append(sentence(f"figure.drift.{column}", means))
        tables += [
            pd.DataFrame({"split": split, "measure": column, "value": sorted(values)})
            for split, values in seen.items()
        ]
    figure.tight_layout()
    figure.says("canary_drift", text("plot.canary.drift"), listed(told), told, pd.concat(tables))
    return figure
