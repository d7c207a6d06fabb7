"""The page of a study's history: its decisions, the newest first, and what changed between them."""

from __future__ import annotations

from html import escape

from mlflow.tracking import MlflowClient

from promotion.errors import PromotionError
from promotion.registry import PRODUCTION, RegisteredModel, place_of
from promotion.report import tables
from promotion.report.changes import Decided, changes, decisions_of, read_publication
from promotion.report.publication import Publication
from promotion.report.words import MISSING, interval, moment, sentence, signed, text
from promotion.store import interface, registry_link, run_link
from promotion.study import Study

COLUMNS = ("decided", "verdict", "difference", "version", "candidate", "dataset", "code", "policy")


def history_page(client: MlflowClient, study: Study, heading: str) -> str:
    """The page below its heading; that nothing was decided, where nothing was."""
    found, unreadable = decisions_of(client, study.experiment, study.name)
    if not found:
        return f"{heading}\n\n{text('history.none')}\n"
    model = RegisteredModel(client, study.model.registered_name)
    parts = [heading, text("history.opening").format(study=study.name), _overview(model, found)]
    if unreadable:
        parts.append(sentence("history.unreadable", {"count": len(unreadable)}))
    parts += [f"## {text('history.production')}", _against_production(model, found[0])]
    for place, one in enumerate(found):
        before = found[place + 1] if place + 1 < len(found) else None
        verdict = text(f"verdict.{one.publication.verdict}")
        when = moment(one.publication.origin.when)
        parts.append(f"## {text('history.one').format(when=when, verdict=verdict)}")
        parts.append(_since(before.publication if before else None, one.publication))
    return "\n\n".join(parts) + "\n"


def _overview(model: RegisteredModel, found: list[Decided]) -> str:
    """One row a decision, which leads to its run and to its version in MLflow."""
    head = "".join(f"<th>{escape(text(f'column.{name}'))}</th>" for name in COLUMNS)
    rows = [_row(model, one) for one in found]
    return (
        f'<table class="dataframe">\n<thead><tr>{head}</tr></thead>\n'
        f"<tbody>\n{''.join(rows)}</tbody>\n</table>"
    )


def _row(model: RegisteredModel, one: Decided) -> str:
    base, shown = interface(model.client), one.publication
    experiment = model.client.get_run(one.run_id).info.experiment_id
    first = shown.comparison[0]
    difference = f"{text(f'metric.{first.metric}')} {signed(first.difference)}"
    digests = (shown.origin.dataset, shown.origin.code, shown.origin.policy)
    cells = [
        escape(text(f"verdict.{shown.verdict}")),
        escape(f"{difference} {interval(first.interval)}"),
        _version(model, base, shown.model_version),
        escape(shown.candidate.run_name),
        *(f"<code>{escape(digest[: tables.DIGITS])}</code>" for digest in digests),
    ]
    run = _link(run_link(base, experiment, one.run_id), moment(one.publication.origin.when))
    return f"<tr><th>{run}</th>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>\n"


def _version(model: RegisteredModel, base: str, number: str | None) -> str:
    """A version and where it stands now; what is gone from the registry has no place there."""
    if number is None:
        return MISSING
    place = text(f"place.{place_of(model, number)}")
    return _link(registry_link(base, model.name, number), f"{number}, {place}")


def _link(address: str, told: str) -> str:
    return f'<a href="{escape(address)}">{escape(told)}</a>'


def _since(before: Publication | None, after: Publication) -> str:
    if before is None:
        return text("history.first")
    return _table(before, after)


def _table(before: Publication, after: Publication) -> str:
    found = changes(before, after)
    return tables.changes(found).to_html() if found else text("history.same")


def _against_production(model: RegisteredModel, newest: Decided) -> str:
    """What differs between the decision that led to the version in Production and the newest."""
    try:
        standing = read_publication(model, PRODUCTION)
    except PromotionError:
        return text("history.no_production")
    number = standing.model_version
    if number == newest.publication.model_version:
        return text("history.is_production").format(version=number)
    told = text("history.differs").format(version=number)
    return f"{told}\n\n{_table(standing, newest.publication)}"
