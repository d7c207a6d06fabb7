"""The page of the simulation: every promise is on it, and whoever breaks one is answered for."""

from __future__ import annotations

import json
import re

import pytest

from promotion.paths import ROOT
from promotion.report import plots
from promotion.report.calibration import (
    OTHERS,
    CalibrationRow,
    answers,
    calibration_rows,
    comparison_lines,
    of_section,
)
from promotion.report.document import render_calibration
from promotion.report.words import has_text, number, text

ROWS = calibration_rows()
BAD_SPACE = re.compile(r"(?<=\S) (?=[:;!?%»](?:\s|$))|« ")


@pytest.fixture(scope="module")
def page() -> str:
    return render_calibration()


def a_row(found: int, studies: int = 400, **facts: object) -> CalibrationRow:
    usual = {"section": "comparison", "name": "clips", "measure": "promoted", "metric": "mAP50"}
    return CalibrationRow(
        **usual | {"low": 0.0, "high": 0.05} | facts, found=found, studies=studies
    )  # type: ignore[arg-type]


def test_every_row_of_the_results_is_on_the_page(page: str) -> None:
    lines = page.splitlines()
    for row in ROWS:
        shown = [row.title, row.observed, number(row.studies, 0)]
        shown += [text(f"metric.{row.metric}")] if row.metric else [row.counted, row.promise]
        assert any(all(part in line for part in shown) for line in lines), row


def test_the_results_have_all_subjects_and_every_scenario_its_own_words() -> None:
    recorded = json.loads((ROOT / "book" / "calibration.json").read_text(encoding="utf-8"))
    assert len(recorded["rows"]) == len(ROWS)
    assert {row.section for row in ROWS} == {"comparison", *OTHERS}
    titles = {row.title for row in ROWS}
    assert len(titles) == len({row.name for row in ROWS})


def test_a_promise_is_kept_within_the_simulation_s_own_error() -> None:
    assert a_row(26).kept
    assert not a_row(60).kept
    assert a_row(0).kept
    coverage = {"measure": "coverage", "low": 0.93, "high": 0.97}
    assert a_row(380, **coverage).kept
    assert not a_row(340, **coverage).kept
    assert a_row(400, **coverage).prudent
    assert not a_row(320, measure="settled", low=0.9, high=1.0).kept


def test_a_mark_and_a_sentence_say_what_is_not_kept(page: str) -> None:
    broken = {row.name for row in ROWS if not row.kept}
    assert {"clips_ignored", "collapse_unseen", "near_1"} <= broken
    said = [one for part in ("comparison", *OTHERS) for one in answers(of_section(ROWS, part))]
    assert len(said) == len(broken)
    assert all(sentence in page for sentence in said)
    lines = comparison_lines(ROWS)
    marked = [line for line in page.splitlines() if line.endswith("| non tenu |")]
    others = [row for row in ROWS if row.section != "comparison" and not row.kept]
    assert len(marked) == len(others) + sum(not line.kept for line in lines)


def test_whatever_fails_is_answered_for() -> None:
    measures = {row.measure for row in ROWS}
    assert all(has_text(f"calibration.answer.{measure}") for measure in {*measures, "prudent"})


def test_the_page_says_what_is_simulated_and_what_it_is_fitted_to(page: str) -> None:
    assert "**simulé**" in page
    assert "0,0111" in page
    assert "0,0020" in page
    prose = re.sub(r"```.*?```|`[^`]*`", "", page, flags=re.DOTALL)
    assert not BAD_SPACE.findall(prose)


def test_the_plot_has_a_line_a_scenario_and_names_the_metrics() -> None:
    figure = plots.calibration(ROWS)
    compared = {row.name for row in ROWS if row.section == "comparison"}
    assert len(figure.axes[0].get_yticks()) == len(compared)
    labels = {one.get_text() for one in figure.axes[-1].texts}
    assert {text("metric.mAP50"), text("metric.recall")} <= labels
    assert figure.get_size_inches()[1] <= 7
