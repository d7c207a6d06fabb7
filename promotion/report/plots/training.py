"""The plot of the trainings: loss and mAP, epoch by epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from promotion.report.figures import CANDIDATE, Plot
from promotion.report.plots.drawing import (
    ROLES,
    End,
    by_role,
    name_ends,
    new_plot,
    own_ticks,
    role_name,
)
from promotion.report.words import listed, sentence, text


def training_curves(
    histories: Mapping[str, pd.DataFrame], colours: Mapping[str, str] | None = None
) -> Plot:
    """Training loss and val mAP by epoch, one line a run; columns of a history are the two.

    With `colours`, a colour a run, the roles that these mean are named where their runs end.
    """
    figure, ((left, right),) = new_plot(7.4 if colours else 9, 3.4, 1, 2)
    for name, history in histories.items():
        style = {"color": (colours or {}).get(name, CANDIDATE), "alpha": 0.8, "marker": "o"}
        for axes, column in zip((left, right), history.columns, strict=True):
            axes.plot(history.index, history[column], **style, ms=3)
    left.set_ylabel(text("plot.curves.loss"))
    right.set_ylabel(text("plot.curves.map"))
    for axes in (left, right):
        axes.set_xlabel(text("plot.curves.epoch"))
        axes.xaxis.get_major_locator().set_params(integer=True)
        own_ticks(axes)
    figure.tight_layout()
    trained = {name: history for name, history in histories.items() if len(history)}
    if colours:
        ends = _last_values(trained, colours, 1)
        for place, axes in enumerate((left, right)):
            name_ends(axes, _ends(trained, colours, place))
        told = [sentence("figure.curves.role", {"role": r, "values": v}) for r, v in ends.items()]
        finding = sentence("figure.curves.finding", {"roles": listed(told)})
    else:
        finding = listed([_course("figure.curve.finding", n, h) for n, h in trained.items()])
    marks = [_course("figure.curve", name, history) for name, history in trained.items()]
    figure.says(
        "training_curves", text("plot.curves.title"), finding, marks, _table(trained, colours or {})
    )
    return figure


def _ends(trained: Mapping[str, pd.DataFrame], colours: Mapping[str, str], place: int) -> list[End]:
    """Each role's name at the mean of where its runs end in the column at this place."""
    ends = _last_values(trained, colours, place)
    return [
        End(float(np.mean(ends[role])), role_name(colour), colour)
        for colour, role in ROLES.items()
        if role in ends
    ]


def _last_values(
    trained: Mapping[str, pd.DataFrame], colours: Mapping[str, str], place: int
) -> dict[str, list[float]]:
    """What the column at this place says of the last epoch of each role's runs."""
    return {
        role: [float(trained[name].to_numpy(float)[-1, place]) for name in names]
        for role, names in by_role({name: colours[name] for name in trained}).items()
    }


def _course(key: str, name: str, history: pd.DataFrame) -> str:
    """How a training went: its loss and its mAP from the first epoch to the last."""
    loss, found = (history[column].to_numpy(float) for column in history.columns)
    return sentence(
        key,
        {
            "run": name,
            "epochs": len(history),
            "loss": (loss[0], loss[-1]),
            "found": (found[0], found[-1]),
            "best": int(history.index[int(np.nanargmax(found))]),
            "highest": float(np.nanmax(found)),
        },
    )


def _table(trained: Mapping[str, pd.DataFrame], colours: Mapping[str, str]) -> pd.DataFrame:
    columns = ["run", "role", "epoch", "box_loss", "val_mAP50"]
    rows: Sequence[tuple[object, ...]] = [
        (name, ROLES[colours[name]] if name in colours else "", epoch, *values)
        for name, history in trained.items()
        for epoch, *values in history.itertuples(name=None)
    ]
    return pd.DataFrame(rows, columns=columns)
