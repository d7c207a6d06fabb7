"""The decision document: the lab's sections, numbers in the place of adjectives."""

from __future__ import annotations

import re

import pytest
import yaml

from promotion.comparison import FailedVariant, summarise
from promotion.decision import decide
from promotion.report.document import render_original
from promotion.report.publication import publish, write_card, write_document
from promotion.study import Policy
from tests.builders import POLICY, STUDY, evidence
from tests.report.builders import published

SECTIONS = (
    "## Objectifs et contraintes",
    "## Candidat promu",
    "## Comparaison (résumé)",
    "### Alternatives",
    "### Pour",
    "### Contre",
    "### Observations",
    "### Critères",
    "## Risques et mitigations",
    "## Décision",
    "### Étapes suivantes",
)


@pytest.mark.parametrize("worth", [0.99, 0.7, 0.01])
def test_the_document_has_the_lab_s_sections_whatever_the_verdict(worth: float) -> None:
    found = evidence(worth=worth)
    shown = published(found)
    document = write_document(shown, found, STUDY)
    places = [document.index(section) for section in SECTIONS]
    assert places == sorted(places)
    assert all(risk in document for risk in shown.risks)
    assert all(step in document for step in shown.next_steps)
    for adjective in ("rapide", "lent", "léger", "stable ", "faible coût"):
        assert adjective not in document.replace("si les performances sont stables", "")
    assert not re.search(r";\n(?!- )", document)


@pytest.mark.parametrize(
    ("worth", "decided"),
    [(0.99, "Promouvoir `big_s3`"), (0.7, "Ne pas trancher"), (0.01, "Ne pas promouvoir")],
)
def test_the_document_opens_with_the_decision(worth: float, decided: str) -> None:
    """Who reads ten lines has the verdict, why, the strongest on either side, and the date."""
    found = evidence(worth=worth)
    opening = write_document(published(found), found, STUDY).split("## Objectifs")[0]
    for told in (decided, "384 px au lieu de 256 px", "Le plus fort", "manquées", "1 janv."):
        assert told in opening


@pytest.mark.parametrize("worth", [0.99, 0.01])
def test_the_model_card_has_its_facts_and_what_it_must_not_be_used_for(worth: float) -> None:
    """Its first lines are YAML, as registries of models read them."""
    found = evidence(worth=worth)
    card = write_card(published(found), found, STUDY)
    head, body = card.removeprefix("---\n").split("\n---\n", 1)
    assert yaml.safe_load(head)["license"] == "agpl-3.0"
    told = [line.strip("# ") for line in body.splitlines() if line.startswith("## ")]
    assert told == [
        "Le modèle",
        "Usages",
        "Limites et risques",
        "Mise en service",
        "Entraînement",
        "Évaluation",
    ]
    assert "| précision | 0,800 | [0,750\u202f;\u00a00,850] | 0,800 | 0,000 [" in body
    assert "n’est pas enregistré" in body
    assert "sha-big-3" in body


def test_costs_that_look_alike_do_not_speak_against_the_candidate() -> None:
    """`10,0 contre 10,0` under "Contre" would be a reproach that the reader cannot see."""

    def against(milliseconds: float) -> str:
        runs = list(evidence().runs)
        place = next(n for n, one in enumerate(runs) if one.run_name == "big_s3")
        dearer = {**runs[place].metrics, "latency_p50_ms": milliseconds}
        runs[place] = runs[place].model_copy(update={"metrics": dearer})
        found = evidence(runs=runs, configurations=summarise(runs))
        return write_document(published(found), found, STUDY).split("### Contre")[1]

    assert "latence médiane (ms)\u00a0: 10,0 contre 10,0" not in against(10.02)
    assert "latence médiane (ms)\u00a0: 12,0 contre 10,0" in against(12.0)


def test_a_variant_that_failed_is_among_the_alternatives() -> None:
    """Left out, the winner would seem to have beaten all that was tried."""
    failed = [FailedVariant(run_name="huge_s1", reason="failed", error="out of memory")]
    found = evidence(failed=failed)
    document = write_document(published(found), found, STUDY)
    assert "| `huge_s1` | échec |" in document
    assert "Variantes absentes de la comparaison\u00a0: huge_s1" in document


def test_a_failed_gate_speaks_against_the_candidate_with_what_was_measured() -> None:
    gate = {"measure": "latency_p95_ms", "at_most": 17.9}
    strict = Policy.model_validate({**POLICY.model_dump(), "gates": [gate]})
    study = STUDY.model_copy(update={"policy": strict})
    found = evidence()
    document = write_document(publish(decide(found, strict, []), found), found, study)
    assert (
        "latence p95 (ms) ≤ 17,9 (mesuré\u00a0: 20,0, borne\u00a0: 25,0)"
        in document.split("### Contre")[1]
    )
    assert "Ne pas promouvoir `big_s3`" in document


def test_the_lab_s_original_decision_is_read_again_in_full() -> None:
    """Two persons, three thousand boxes, and the audit of its eight runs."""
    page = render_original()
    assert "24 sur 31" in page
    assert "3\u202f000 boîtes" in page
    assert "audit.html#parameter-effect" in page
    assert "p = 0,77" in page
