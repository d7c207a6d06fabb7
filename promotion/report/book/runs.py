"""The list of a study's runs: one row a training, each with its page."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from mlflow.entities import Run
from mlflow.tracking import MlflowClient

from promotion.outside import visible
from promotion.report.book.surface import SORTED
from promotion.report.words import MISSING, measured, number, text

SETTINGS = ("imgsz", "lr0", "seed")
MEASURED = (
    "mAP50",
    "mAP50-95",
    "precision",
    "recall",
    "threshold",
    "latency_p95_ms",
    "energy_wh",
    "train_seconds",
)


def run_table(
    client: MlflowClient,
    trained: Mapping[str, str],
    failed: Mapping[str, str],
    roles: Mapping[str, str],
) -> str:
    """The table as HTML, which sorts by its values where a browser runs scripts.

    `trained` and `failed` map a run's name to its id, `roles` the candidate's and the baseline's
    name to its role. Measures are of the validation; one that a run lacks is a dash.
    """
    titles = [text("column.run"), text("column.role"), *SETTINGS]
    titles += [text(f"metric.{name}") for name in MEASURED]
    head = "".join(f"<th>{escape(title)}</th>" for title in titles)
    rows = [
        _row(client.get_run(run_id), name, roles.get(name, "")) for name, run_id in trained.items()
    ]
    rows += [_row(client.get_run(run_id), name, "failed") for name, run_id in failed.items()]
    body = "\n".join(rows)
    return (
        f'<table class="dataframe {SORTED}">\n<thead><tr>{head}</tr></thead>\n'
        f"<tbody>\n{body}\n</tbody>\n</table>\n"
    )


def _row(run: Run, name: str, role: str) -> str:
    said = "" if role == "" else text("run.failed" if role == "failed" else f"role.{role}")
    link = f'<a href="../notebooks/runs/{escape(name)}.html">{escape(name)}</a>'
    params, metrics = run.data.params, run.data.metrics
    cells = [f"<th>{link}</th>", f"<td>{escape(said)}</td>"]
    cells += [_cell(params.get(key), _setting(params.get(key))) for key in SETTINGS]
    cells += [_cell(metrics.get(key), measured(key, metrics.get(key))) for key in MEASURED]
    marked = f' class="{role}"' if role else ""
    return f"<tr{marked}>{''.join(cells)}</tr>"


def _setting(value: str | None) -> str:
    """A setting as the language writes numbers, with the digits that it was given in.

    One that is no number, as somebody else may have logged it, is shown as it is.
    """
    if not value:
        return MISSING
    try:
        return number(float(value), len(value.partition(".")[2]))
    except ValueError:
        return visible(value)


def _cell(value: object, shown: str) -> str:
    """A value as the language writes it, with the one that it sorts by; none comes last."""
    order = "" if value is None else f' data-sort="{escape(visible(value))}"'
    return f"<td{order}>{escape(shown)}</td>"
