"""Plots: each takes values and gives a figure, with French words and the roles' colours."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from promotion.comparison import Selection
from promotion.datasets import PreparedDataset, ground_truth, images_of
from promotion.detection import Diagnosis, Seen, Telling, curve_of, diagnose, see
from promotion.metrics import RECALL_LEVELS
from promotion.paths import ROOT
from promotion.report import plots
from promotion.report.calibration import calibration_rows
from promotion.report.figures import as_html, described
from promotion.report.language import in_language
from promotion.report.words import signed
from promotion.study import OperatingPoint
from tests.builders import POLICY, canary, evidence, random_split

SELECTION = Selection(
    candidate="big", baseline="small", candidate_run="big_s3", baseline_run="small_s3"
)
RUNS = evidence().runs
COLOURS = {"a": plots.CANDIDATE, "b": plots.BASELINE}


def words_of(figure: Figure) -> str:
    """All that a figure says: titles, labels, legends."""
    said = [figure.get_suptitle()]
    for axes in figure.axes:
        said += [axes.get_title(), axes.get_xlabel(), axes.get_ylabel()]
        legend = axes.get_legend()
        said += [one.get_text() for one in legend.get_texts()] if legend else []
    for legend in figure.legends:
        said += [one.get_text() for one in legend.get_texts()]
    return "\n".join(said)


@pytest.fixture(scope="module")
def models() -> dict[str, Seen]:
    truth, found = random_split(1, ties=False)
    _, other = random_split(2, ties=False)
    return {"a": see(truth, found, 0.3), "b": see(truth, other, 0.3)}


@pytest.fixture(scope="module")
def diagnoses(models: dict[str, Seen]) -> dict[str, Diagnosis]:
    return {name: diagnose(one, one, OperatingPoint()) for name, one in models.items()}


def test_a_figure_is_shown_once(models: dict[str, Seen]) -> None:
    """A figure that pyplot still holds would appear a second time below its cell."""
    before = plt.get_fignums()
    plots.operating_point(models["a"], "val")
    assert plt.get_fignums() == before


def test_the_pictures_of_a_split_are_shown_with_their_persons(streets: PreparedDataset) -> None:
    figure = plots.sample_pictures(streets.folder, "val")
    assert "validation" in words_of(figure)
    boxes = sum(len(axes.patches) for axes in figure.axes)
    assert boxes == ground_truth(streets.folder, "val").dropna().shape[0]


def test_the_heights_of_the_persons_have_a_curve_a_split() -> None:
    heights = {"train": [10.0, 20.0, 40.0], "val": [12.0, 30.0], "test": [15.0, 18.0]}
    assert "entraînement" in words_of(plots.box_sizes(heights))


def test_the_training_curves_have_a_line_a_run_in_its_role_s_colour() -> None:
    history = pd.DataFrame({"loss": [2.0, 1.0], "map": [0.2, 0.4]}, index=[1, 2])
    colours = plots.run_colours(RUNS, SELECTION)
    assert colours["big_s1"] == plots.CANDIDATE
    assert colours["small_s1"] == plots.BASELINE
    figure = plots.training_curves({"big_s1": history, "small_s1": history}, colours)
    assert [line.get_color() for line in figure.axes[0].lines] == [
        plots.CANDIDATE,
        plots.BASELINE,
    ]
    assert "candidat" in words_of(figure)


def test_a_precision_recall_curve_marks_the_point_at_which_the_model_works(
    models: dict[str, Seen],
) -> None:
    """The curve alone would let a reader believe in a precision that is never served."""
    curves = {
        name: (curve_of(one.matches), one.threshold, COLOURS[name]) for name, one in models.items()
    }
    figure = plots.precision_recall(curves, "test", 12)
    assert len(figure.axes[0].lines) == 2 * len(curves)
    assert "point de fonctionnement" in words_of(figure)
    assert "12 images" in words_of(figure)


def test_the_bands_of_other_images_say_their_level(models: dict[str, Seen]) -> None:
    zero = np.zeros(len(RECALL_LEVELS))
    bands = dict.fromkeys(models, (zero, zero + 1))
    figure = plots.curves_with_bands(models, bands, COLOURS, "test", 0.95)
    assert "95\u00a0%" in words_of(figure)
    assert len(figure.axes[0].collections) == 2


def test_each_seed_is_a_point_and_each_configuration_a_strip() -> None:
    figure = plots.seed_strips(RUNS, ["mAP50", "recall"], SELECTION, "val", 100)
    assert [tick.get_text() for tick in figure.axes[0].get_yticklabels()] == ["big", "small"]
    points = figure.axes[0].lines[0]
    assert len(points.get_xdata()) == 3


def test_what_quality_costs_is_shown_with_the_front() -> None:
    costs = ["latency_p95_ms", "energy_wh"]
    figure = plots.gain_against_costs(RUNS, costs, "mAP50", SELECTION, "val")
    assert [axes.get_xlabel() for axes in figure.axes] == [
        "latence p95 (ms)",
        "énergie d’entraînement (Wh)",
    ]
    assert "front de Pareto" in words_of(figure)


def test_the_latencies_have_a_box_a_run() -> None:
    milliseconds = pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": [2.0, 3.0, 4.0]})
    figure = plots.latencies(milliseconds, COLOURS)
    assert [one.get_text() for one in figure.axes[0].get_yticklabels()] == ["a", "b"]


def test_the_differences_stand_against_what_the_policy_requires() -> None:
    found = evidence().comparison
    figure = plots.differences(found, POLICY.required_differences, {"mAP50": 0.97}, 100, 600)
    required = [line for line in figure.axes[0].lines if line.get_marker() == "|"]
    assert [line.get_xdata()[0] for line in required] == [0.02, -0.05]
    assert "600 personnes" in words_of(figure)


def test_the_error_is_split_between_images_and_seeds() -> None:
    figure = plots.variance_split(evidence().comparison)
    assert len(figure.axes[0].patches) == 8
    assert "graines" in words_of(figure)


def alternatives(plot: Callable[[], Figure]) -> dict[str, str]:
    """What a reader who sees no picture gets of a plot, by language."""
    told = {}
    for language in ("fr", "en"):
        with in_language(language):
            figure = plot()
            told[language] = described(figure)
            assert escape(told[language]) in as_html(figure)
    return told


def test_who_sees_no_picture_hears_the_differences_and_what_is_required() -> None:
    found, required = evidence().comparison, {"mAP50": 0.02}
    told = alternatives(lambda: plots.differences(found, required, {"recall": 0.97}, 100, 600))
    bound = found[3].law.exceeded(0.97)
    assert "mAP@50\u00a0: +0,050, intervalle [0,030\u202f;\u00a00,070], à dépasser" in told["fr"]
    assert "selon la politique\u00a0: +0,020. mAP@50-95\u00a0: +0,030" in told["fr"]
    assert f"au moins {signed(bound)} à 97\u00a0% de confiance" in told["fr"]
    assert "mAP@50: +0.050, interval [0.030, 0.070], to be exceeded" in told["en"]
    assert "97% confidence" in told["en"]


def test_who_sees_no_picture_hears_each_source_of_the_error() -> None:
    gained, *rest = evidence().comparison
    one_seed = gained.model_copy(update={"seed_error": None})
    told = alternatives(lambda: plots.variance_split([one_seed, *rest]))
    assert "mAP@50\u00a0: erreur-type de 0,008 due aux images, — ajoutée" in told["fr"]
    assert "rappel\u00a0: erreur-type de 0,008 due aux images, 0,006 ajoutée" in told["fr"]
    assert "recall: standard error 0.008 from the images, 0.006 added by the seeds" in told["en"]


def test_who_sees_no_picture_hears_each_run_s_latencies() -> None:
    milliseconds = pd.DataFrame({"a": np.arange(101.0), "b": np.arange(101.0) + 100})
    told = alternatives(lambda: plots.latencies(milliseconds, COLOURS))
    assert "a\u00a0: médiane 50,0 ms, de 5,0 à 95,0 ms" in told["fr"]
    assert "b: median 150.0 ms, from 105.0 to 195.0 ms" in told["en"]


def test_the_confidences_are_held_against_the_diagonal(diagnoses: dict[str, Diagnosis]) -> None:
    assert "ECE" in words_of(plots.reliability(diagnoses, COLOURS))


def test_the_same_pictures_are_shown_as_each_model_sees_them(streets: PreparedDataset) -> None:
    """Persons found, missed and invented have a colour each: a picture is worth what it tells."""
    truth = ground_truth(streets.folder, "test")
    perfect = truth.dropna().assign(confidence=0.9)
    blind = perfect.head(0)
    shown = {"candidat": see(truth, perfect, 0.5), "référence": see(truth, blind, 0.5)}
    one, other = images_of(streets.folder, "test")[:2]
    pictures: dict[Path, list[Telling]] = {other: ["best"], one: ["worst", "fullest"]}
    figure = plots.side_by_side(pictures, shown)
    assert [axes.get_title(loc="left") for axes in figure.axes[::2]] == ["référence", "candidat"]
    reference, candidate = figure.axes[:2], figure.axes[2:]
    for rows, line in ((reference, ":"), (candidate, "-")):
        assert {patch.get_linestyle() for axes in rows for patch in axes.patches} <= {line}
    assert "manquée" in words_of(figure)
    persons = len(truth.dropna().query("image == @other.name"))
    found = f"trouvées\u00a0: {persons}, manquées\u00a0: 0, fausses alarmes\u00a0: 0"
    missed = f"trouvées\u00a0: 0, manquées\u00a0: {persons}, fausses alarmes\u00a0: 0"
    below = [axes.get_xlabel().split("\n") for axes in figure.axes]
    assert [lines[:2] for lines in below] == [
        ["le mieux", other.name],
        ["le moins bien, la plus peuplée", one.name],
    ] * 2
    assert (" ".join(below[0][2:]), " ".join(below[2][2:])) == (missed, found)
    assert f"candidat, le mieux, {other.name}, {found}" in described(figure)


def test_why_a_picture_is_shown_is_said_in_each_language(streets: PreparedDataset) -> None:
    truth = ground_truth(streets.folder, "test")
    nothing = see(truth, truth.dropna().assign(confidence=0.9).head(0), 0.5)
    image = images_of(streets.folder, "test")[0]
    told = alternatives(lambda: plots.side_by_side({image: ["worst"]}, {"v3": nothing}))
    assert f"v3, le moins bien, {image.name}, trouvées\u00a0: 0" in told["fr"]
    assert f"v3, worst, {image.name}, found: 0, missed: " in told["en"]


def test_a_canary_is_drawn_look_by_look() -> None:
    looks = canary("stop").looks
    differences, proof = plots.canary_differences(looks), plots.canary_evidence(looks)
    assert "perte tolérée" in words_of(differences)
    assert "Contre" in words_of(proof)


def test_no_plot_keeps_the_paper_s_colours_on_a_dark_page() -> None:
    """A colour that the style sheet does not know on dark ground is hard to see there."""
    figures = [plots.canary_evidence(canary("go").looks), plots.calibration(calibration_rows())]
    style = (ROOT / "book" / "_static" / "report.css").read_text("utf-8")
    _, dark = style.split('html[data-theme="dark"] .plot {', 1)
    known = set(re.findall(r"--plot-([\w-]+):", dark.partition("}")[0]))
    for figure in figures:
        drawn = as_html(figure)
        used = set(re.findall(r"var\(--plot-([\w-]+),", drawn))
        assert used - {"paper"} <= known
        assert not re.findall(r"(?:fill|stroke): #\w+", drawn)


def test_a_canary_s_latencies_and_drift_show_both_sides() -> None:
    observations = pd.DataFrame(
        {
            "ms_challenger": [1.0, 2.0],
            "ms_champion": [2.0, 3.0],
            "free": [0.3, 1.0],
            "boxes_challenger": [1, 2],
            "confidence_challenger": [0.5, np.nan],
        }
    )
    before = pd.DataFrame({"boxes": [1, 1], "confidence": [0.4, 0.6]})
    late = words_of(plots.canary_latencies(observations, 100, 4))
    assert "prétendant" in late
    assert "tenant" in late
    assert "4 requêtes" in late
    assert "machine libre" in late
    assert "50" in late
    assert "canari" in words_of(plots.canary_drift(before, observations))


def test_the_style_needs_no_display(tmp_path: Path) -> None:
    """Notebooks and servers have no screen."""
    place = tmp_path / "figure.png"
    plots.calibration(calibration_rows()).savefig(place, dpi=60)
    assert place.read_bytes().startswith(b"\x89PNG")
