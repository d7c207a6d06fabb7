"""Tables: French headings and numbers, nothing cut short, nothing left out."""

from __future__ import annotations

from html import escape
from pathlib import Path

import pandas as pd
import pytest

from promotion.audit import audit, experiment_of
from promotion.canary import CRITERIA
from promotion.comparison import FailedVariant
from promotion.datasets import prepare
from promotion.decision import decide, tipping_points
from promotion.facts import Note
from promotion.registry import aliases, history, versions
from promotion.report import tables
from promotion.report.language import in_language
from promotion.report.prose import check_title
from promotion.study import CanaryDataset
from tests.builders import POLICY, SURE, canary, evidence, registry_of
from tests.languages import ENGLISH, FRENCH
from tests.report.builders import published, registration


def test_a_table_s_first_column_names_its_rows() -> None:
    found = tables.gates(decide(evidence(), POLICY, []).gates)
    assert found.columns.name == "critère"
    assert list(found.index) == ["latence p95 (ms)"]
    assert found.iloc[0].tolist()[:3] == ["≤\u00a050,0", "20,0", "25,0"]


def test_a_long_message_is_shown_whole() -> None:
    """A reason cut short with dots is the one that somebody needed."""
    error = "RuntimeError: " + "x" * 300
    failed = [FailedVariant(run_name="big_s4", reason="failed", error=error)]
    assert error in tables.failures(failed).to_html()
    assert "toutes les variantes ont abouti" in tables.failures([]).to_html()


def test_the_comparison_has_a_row_a_metric_at_the_study_s_confidence() -> None:
    found = tables.comparison(evidence().comparison, 0.95)
    assert list(found.index) == ["mAP@50", "mAP@50-95", "précision", "rappel"]
    assert "intervalle à 95\u00a0%" in found.columns
    assert found.iloc[0]["différence"] == "+0,050"


def test_every_limit_is_shown_with_its_margin_and_where_the_verdict_turns() -> None:
    found = evidence(worth=SURE, not_lost=SURE)
    table = tables.tipping_points(tipping_points(decide(found, POLICY, []), found))
    assert list(table.index) == [
        "mAP@50, différence",
        "rappel, différence",
        "mAP@50, différence avec le modèle de départ",
        "latence p95 (ms)",
    ]
    assert table.loc["latence p95 (ms)"].tolist() == [
        "≤\u00a050,0",
        "20,0",
        "25,0",
        "25,0",
        "«\u00a0non concluant\u00a0» en deçà de 25,0, «\u00a0rejeter\u00a0» en deçà de 18,0",
    ]


def test_the_checks_link_to_the_page_that_explains_them() -> None:
    checks = audit(experiment_of(evidence(), POLICY, "weights.pt"))
    page = tables.checks(checks).data
    for check in checks:
        assert (
            f'<a href="../book/audit.html#{check.id}">{escape(check_title(check.id))}</a>' in page
        )


def test_a_check_is_called_as_its_page_calls_it_in_each_language() -> None:
    """`seed-effect` is a name for programs; a reader of French is told it in French."""
    checks = audit(experiment_of(evidence(), POLICY, "weights.pt"))
    for language, other in (("fr", ENGLISH), ("en", FRENCH)):
        with in_language(language):
            titles = [check_title(check.id) for check in checks]
        assert not {check.id for check in checks} & set(titles)
        assert not [title for title in titles if other.search(title)]
    assert check_title("somebody-s-own") == "somebody-s-own"


def test_a_finding_cannot_break_the_page_that_shows_it() -> None:
    failed = [FailedVariant(run_name="<b>big</b>", reason="failed", error="?")]
    found = audit(experiment_of(evidence(failed=failed), POLICY, "weights.pt"))
    assert "<b>big</b>" not in tables.checks(found).data


def test_no_warning_is_a_row_that_says_so() -> None:
    assert "aucun avertissement" in tables.findings([]).to_html()
    note = Note(id="nearly_same", facts={"one": "a.jpg", "other": "b.jpg", "bits": 1})
    assert "a.jpg et b.jpg" in tables.findings([note]).to_html()


def test_parity_stands_beside_what_is_required() -> None:
    found = tables.parity(registration().parity)
    assert isinstance(found, pd.DataFrame)
    shown = found.to_html()
    assert "100,0\u00a0%" in shown
    assert "0,0010" in shown


def test_what_there_is_none_of_is_told_in_a_sentence() -> None:
    """A table of one cell had a row of the name 0."""
    assert tables.parity(None) == "Rien n’est enregistré, il n’y a rien à comparer."
    assert tables.incumbent(None, 0.95) == "Aucune version n’est en Production."


@pytest.mark.parametrize("verdict", ["go", "stop", "continue"])
def test_a_canary_is_shown_look_by_look_and_criterion_by_criterion(verdict: str) -> None:
    ended = canary(verdict)  # type: ignore[arg-type]
    assert len(tables.looks(ended.looks)) == 1
    assert len(tables.criteria(ended.last)) == len(CRITERIA)
    both = tables.contenders(ended)
    assert list(both.columns) == ["prétendant (person-detector v3)", "tenant (person-detector v2)"]
    assert both.iloc[0].tolist() == ["0,700", "0,700"]


def test_the_registry_s_page_has_every_version_and_every_transition(registry_home: Path) -> None:
    """Whoever asks who put a model in Production finds the answer here, and nowhere else."""
    model = registry_of(registry_home)
    shown = tables.registered(versions(model), aliases(model))
    assert [int(number) for number in shown.index] == [4, 3, 2, 1]
    assert shown["alias"].tolist() == ["", "staging", "production", "previous"]
    assert shown["canari"].tolist() == ["—", "feu vert", "feu vert", "feu vert"]
    past = tables.history(history(model))
    assert past["action"].tolist()[:2] == ["mise en Staging", "mise en Production"]
    assert len(past) == 5


def test_a_publication_s_audit_is_shown_as_the_audit_itself() -> None:
    found = evidence()
    checks = audit(experiment_of(found, POLICY, "weights.pt"))
    assert tables.checks(published(found).audit).data == tables.checks(checks).data


def test_the_canary_s_pictures_are_told_by_what_is_known_of_each(tmp_path: Path) -> None:
    """The study file says winter: whether it snows on them, the pictures' own record tells."""
    asked = CanaryDataset(source="street_scenes", domain="winter", images=3, seed=11)
    shown = tables.canary_pictures(asked, prepare(asked, tmp_path), [])
    told = shown["valeur"].to_dict()
    assert told["domaine"] == "winter (hiver, sous la neige)"
    assert told["temps"] == "neige\u00a0: 3"
    assert told["images"] == "3"
    assert "graine 11" in told["source"]
    assert told["avertissement"] == "aucun avertissement"
