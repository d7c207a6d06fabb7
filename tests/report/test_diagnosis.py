"""A diagnosis is shown in full, and a floor out of reach is said to be so."""

from __future__ import annotations

from bs4 import BeautifulSoup

from promotion.comparison import LabelFacts
from promotion.detection import Diagnosis, Seen, SuspectedLabel, diagnose, see
from promotion.report import plots, tables
from promotion.report.figures import CANDIDATE
from promotion.study import OperatingPoint
from tests.builders import boxes, detections


def seen() -> Seen:
    truth = boxes(("a", 0, 0, 20, 20), ("a", 100, 0, 150, 50), ("b", 0, 0, 120, 120))
    found = detections(
        ("a", 0, 0, 20, 20, 0.9), ("a", 100, 0, 120, 50, 0.7), ("b", 500, 0, 560, 60, 0.5)
    )
    return see(truth, found, 0.4)


def errors_of(found: dict[str, Diagnosis]) -> int:
    """How many cells of the table of errors lead to the pictures that show them."""
    return len(BeautifulSoup(tables.error_kinds(found).data, "html.parser").select("td a"))


def test_a_floor_out_of_reach_is_said_to_be() -> None:
    found = diagnose(seen(), seen(), OperatingPoint(rule="recall_floor", floor=0.9))
    assert "hors d’atteinte" in tables.points(found).index[0]


def test_tables_and_plots_show_a_diagnosis() -> None:
    found = diagnose(seen(), seen(), OperatingPoint())
    assert len(tables.points(found)) == 3
    assert errors_of({"a": found, "b": found}) == 8
    assert len(tables.sizes({"a": found})) == 3
    assert plots.reliability({"a": found}, {"a": CANDIDATE}).axes


def test_each_kind_of_error_leads_to_the_pictures_that_show_it() -> None:
    found = diagnose(seen(), seen(), OperatingPoint())
    page = BeautifulSoup(tables.error_kinds({"a&b": found}).data, "html.parser")
    cell = page.select("td a")[1]
    assert cell["href"] == "../book/gallery.html?model=a%26b&what=Dupe#pictures"
    assert cell.text == str(found.errors[1].count)


def test_a_label_in_doubt_leads_to_the_pictures_that_show_such() -> None:
    name = "<b>a</b>.jpg"
    doubt = SuspectedLabel(
        image=name, kind="missing_annotation", box=(0, 0, 9, 9), score=0.6, runs=4
    )
    shown = tables.suspects(LabelFacts(suspects=[doubt], comparison=[])).data
    (link,) = BeautifulSoup(shown, "html.parser").select("a")
    assert link["href"] == "../book/gallery.html?what=suspect#pictures"
    assert link.text == name
    assert "aucune" in tables.suspects(LabelFacts(suspects=[], comparison=[])).data


def test_a_model_without_a_single_box_is_shown_too() -> None:
    blind = see(seen().ground_truth, detections(), 0.4)
    found = diagnose(blind, blind, OperatingPoint())
    assert errors_of({"a": found, "b": found}) == 8
    assert len(tables.sizes({"a": found})) == 3
    assert plots.reliability({"a": found}, {"a": CANDIDATE}).axes
