"""Plots of the choice on val: seeds, what quality costs, latencies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from promotion.comparison import RunFacts, Selection, by_configuration, pareto_front
from promotion.report.figures import INK, OTHER, Plot
from promotion.report.plots.drawing import (
    LABEL_SIZE,
    ROLES,
    Ticks,
    by_role,
    colour_of,
    new_plot,
    on_split,
    own_ticks,
    role_name,
    run_colours,
    with_role,
)
from promotion.report.words import listed, measured, sentence, text

# Whiskers and boxes of a run's latencies.
PERCENTILES = (5, 25, 50, 75, 95)


def seed_strips(
    runs: Sequence[RunFacts],
    metrics: Sequence[str],
    selection: Selection,
    split: str,
    images: int,
) -> Plot:
    """One point a run, one strip a configuration, one panel a metric; a bar marks the mean."""
    groups = by_configuration(runs)
    height = 1.2 + 0.5 * len(groups)
    figure, (row,) = new_plot(5 * len(metrics), height, 1, len(metrics))
    for axes, metric in zip(row, metrics, strict=True):
        for place, (configuration, members) in enumerate(groups.items()):
            values = [run.metrics[metric] for run in members]
            colour = colour_of(configuration, selection)
            axes.plot(values, [place] * len(values), "o", color=colour, alpha=0.75)
            ends = [place - 0.3, place + 0.3]
            axes.plot([np.mean(values)] * 2, ends, color=colour, linewidth=2.5)
        axes.set_xlabel(text(f"metric.{metric}"))
        names = [with_role(name, colour_of(name, selection)) for name in groups]
        axes.set_yticks(range(len(groups)), names)
        axes.set_ylim(-0.6, len(groups) - 0.4)
        axes.invert_yaxis()
        axes.xaxis.set_major_locator(MaxNLocator(4))
        axes.xaxis.set_major_formatter(Ticks())
    figure.tight_layout()
    marks = [
        _strip("figure.strip", name, metric, members)
        for metric in metrics
        for name, members in groups.items()
    ]
    found = [_apart(groups, metric, selection) for metric in metrics]
    figure.says(
        "seeds",
        on_split("plot.seeds.title", split, images),
        listed(found),
        marks,
        _table(runs, metrics, selection),
    )
    return figure


def _strip(key: str, configuration: str, metric: str, members: Sequence[RunFacts]) -> str:
    values = [run.metrics[metric] for run in members]
    facts = {"configuration": configuration, "metric": metric, "values": values}
    return sentence(key, {**facts, "mean": float(np.mean(values))})


def _apart(groups: Mapping[str, Sequence[RunFacts]], metric: str, selection: Selection) -> str:
    """Whether the seeds of the candidate and of the baseline mix."""
    ours, theirs = (
        [run.metrics[metric] for run in groups[name]]
        for name in (selection.candidate, selection.baseline)
    )
    how = "mixed"
    if min(ours) > max(theirs):
        how = "above"
    elif max(ours) < min(theirs):
        how = "below"
    means = {"metric": metric, "ours": float(np.mean(ours)), "theirs": float(np.mean(theirs))}
    return sentence(f"figure.seeds.{how}", means)


def _table(runs: Sequence[RunFacts], metrics: Sequence[str], selection: Selection) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "run": run.run_name,
                "configuration": run.configuration,
                "role": ROLES[colour_of(run.configuration, selection)],
                "seed": run.seed,
                **{metric: run.metrics[metric] for metric in metrics},
            }
            for run in runs
        ]
    )


def gain_against_costs(
    runs: Sequence[RunFacts],
    costs: Sequence[str],
    gain: str,
    selection: Selection,
    split: str,
) -> Plot:
    """A metric against each cost, one point a run, with the Pareto front of the runs."""
    figure, (row,) = new_plot(5 * len(costs), 4, 1, len(costs))
    colours = run_colours(runs, selection)
    table = _table(runs, [gain, *costs], selection)
    marks, found = [], []
    for axes, cost in zip(row, costs, strict=True):
        points = {run.run_name: (run.metrics[cost], run.metrics[gain]) for run in runs}
        for name, point in points.items():
            axes.plot(*point, "o", color=colours[name], alpha=0.8)
        best = pareto_front(points)
        front = sorted(points[name] for name in best)
        axes.step(*zip(*front, strict=True), where="post", color=INK, linestyle="--", linewidth=1)
        axes.set(xlabel=text(f"metric.{cost}"), ylabel=text(f"metric.{gain}"))
        axes.margins(0.15)
        own_ticks(axes)
        axes.xaxis.set_major_locator(MaxNLocator(6))
        _name_groups(axes, runs, cost, gain, selection)
        table[f"on_front_{cost}"] = [run.run_name in best for run in runs]
        roles = {
            role: sum(name in best for name in names) for role, names in by_role(colours).items()
        }
        found.append(_front_told(cost, len(runs), len(best), roles))
        marks += [
            sentence(
                "figure.cost",
                {"run": name, "cost": cost, "spent": measured(cost, spent)}
                | {"gain": gain, "gained": measured(gain, gained)},
            )
            for name, (spent, gained) in points.items()
        ]
    figure.tight_layout()
    figure.says(
        "gain_against_costs",
        sentence("plot.pareto.title", {"split": split}),
        listed(found),
        marks,
        table,
    )
    return figure


def _front_told(cost: str, runs: int, front: int, roles: Mapping[str, int]) -> str:
    told = [sentence("figure.front.role", {"role": r, "runs": n}) for r, n in roles.items()]
    facts = {"measure": cost, "front": front, "runs": runs, "roles": ", ".join(told)}
    return sentence("figure.front", facts)


def _name_groups(
    axes: Axes, runs: Sequence[RunFacts], cost: str, gain: str, selection: Selection
) -> None:
    """Name each configuration beside its lowest run, towards the middle and below the front.

    It is named by its role, and by what sets its name apart.
    """
    groups = by_configuration(runs)
    parts = [set(name.split("_")) for name in groups]
    common = set.intersection(*parts) if len(parts) > 1 else set()
    middle = float(np.mean(axes.get_xlim()))
    for name, members in groups.items():
        own = "_".join(part for part in name.split("_") if part not in common)
        colour = colour_of(name, selection)
        lowest = min(members, key=lambda run: run.metrics[gain])
        left = lowest.metrics[cost] < middle
        axes.annotate(
            own if colour == OTHER else f"{role_name(colour)} ({own})",
            (lowest.metrics[cost], lowest.metrics[gain]),
            xytext=(7 if left else -7, -3),
            textcoords="offset points",
            ha="left" if left else "right",
            va="top",
            color=colour,
            size=LABEL_SIZE,
        )


def latencies(milliseconds: pd.DataFrame, colours: Mapping[str, str]) -> Plot:
    """The latency of each run on each image, as boxes from the 5th to the 95th percentile."""
    figure, ((axes,),) = new_plot(6, 1 + 0.42 * milliseconds.shape[1])
    boxes = axes.boxplot(
        [milliseconds[name] for name in milliseconds],
        orientation="horizontal",
        whis=(PERCENTILES[0], PERCENTILES[-1]),
        showfliers=False,
        patch_artist=True,
        medianprops={"color": INK},
        widths=0.6,
    )
    names = [str(name) for name in milliseconds]
    for patch, name in zip(boxes["boxes"], names, strict=True):
        patch.set(facecolor=colours[name], alpha=0.6)
    axes.set_yticks(range(1, len(names) + 1), [with_role(name, colours[name]) for name in names])
    axes.invert_yaxis()
    axes.set_xlabel(text("plot.latency.x"))
    axes.set_xlim(left=0)
    axes.xaxis.set_major_formatter(Ticks())
    columns = [f"p{percentile}_ms" for percentile in PERCENTILES]
    table = pd.DataFrame(np.percentile(milliseconds, PERCENTILES, axis=0).T, columns=columns)
    marks = [
        sentence("figure.latency", {"name": name, "low": low, "median": median, "high": high})
        for name, (low, _, median, _, high) in zip(
            names, table.itertuples(index=False, name=None), strict=True
        )
    ]
    table.insert(0, "run", names)
    table.insert(1, "role", [ROLES[colours[name]] for name in names])
    figure.says(
        "latencies", text("plot.latency.title"), _medians_told(milliseconds, colours), marks, table
    )
    return figure


def _medians_told(milliseconds: pd.DataFrame, colours: Mapping[str, str]) -> str:
    """Each role's median over all its runs, and how many baselines' the candidate's is worth."""
    medians = {
        role: float(np.median(milliseconds[names]))
        for role, names in by_role({str(name): colours[str(name)] for name in milliseconds}).items()
    }
    told = [
        sentence("figure.latency.role", {"role": role, "median": median})
        for role, median in medians.items()
    ]
    if "candidate" in medians and "baseline" in medians:
        ratio = medians["candidate"] / medians["baseline"]
        told.append(sentence("figure.latency.ratio", {"ratio": ratio}))
    return sentence("figure.latency.finding", {"roles": listed(told)})
