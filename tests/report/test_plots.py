"""Plots: each takes values and gives a figure, with French words and the roles' colours."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Callable
from html import escape
from io import StringIO
from itertools import pairwise
from pathlib import Path

import cv2
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from promotion.comparison import Selection
from promotion.datasets import PreparedDataset, ground_truth, images_of
from promotion.detection import Diagnosis, Seen, Telling, curve_of, diagnose, see
from promotion.metrics import RECALL_LEVELS
from promotion.paths import ROOT
from promotion.report import plots
from promotion.report.calibration import calibration_rows
from promotion.report.figures import (
    BASELINE,
    CANDIDATE,
    Plot,
    as_csv,
    as_html,
    described,
)
from promotion.report.language import in_language
from promotion.report.photographs import LONGEST_SIDE, OUTCOMES, Photograph, Pictures, drawn
from promotion.report.plots.drawing import End, name_ends, new_plot
from promotion.report.words import signed
from promotion.study import OperatingPoint
from tests.builders import POLICY, canary, evidence, random_split
from tests.languages import ENGLISH, FRENCH

pytestmark = pytest.mark.slow

SELECTION = Selection(
    candidate="big", baseline="small", candidate_run="big_s3", baseline_run="small_s3"
)
RUNS = evidence().runs
COLOURS = {"a": CANDIDATE, "b": BASELINE}


def words_of(figure: Plot | Pictures) -> str:
    """All that a figure says: its caption, titles, legends, and what stands beside its marks."""
    said = [figure.title, figure.finding]
    if isinstance(figure, Pictures):
        return "\n".join([*said, *figure.groups, *figure.marks])
    for axes in figure.axes:
        said += [axes.get_title(), axes.get_xlabel(), axes.get_ylabel()]
        said += [one.get_text() for one in axes.texts]
        said += [one.get_text() for one in axes.get_yticklabels()]
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
    shown = plots.sample_pictures(streets.folder, "val")
    truth = ground_truth(streets.folder, "val").dropna()
    assert "validation" in shown.title
    assert list(shown.groups) == sorted(truth["image"].unique())
    table = shown.table.sort_values(["image", "x0"]).reset_index(drop=True)
    wanted = truth.sort_values(["image", "x0"]).reset_index(drop=True)
    pd.testing.assert_frame_equal(table, wanted[list(table)], check_exact=False)
    assert as_html(shown).count("<rect") == len(truth)


def test_the_heights_of_the_persons_have_a_curve_a_split() -> None:
    heights = {"train": [10.0, 20.0, 40.0], "val": [12.0, 30.0], "test": [15.0, 18.0]}
    assert "entraînement" in words_of(plots.box_sizes(heights))


def test_the_training_curves_have_a_line_a_run_in_its_role_s_colour() -> None:
    history = pd.DataFrame({"loss": [2.0, 1.0], "map": [0.2, 0.4]}, index=[1, 2])
    colours = plots.run_colours(RUNS, SELECTION)
    assert colours["big_s1"] == CANDIDATE
    assert colours["small_s1"] == BASELINE
    figure = plots.training_curves({"big_s1": history, "small_s1": history}, colours)
    assert [line.get_color() for line in figure.axes[0].lines] == [
        CANDIDATE,
        BASELINE,
    ]
    assert "candidat" in words_of(figure)


def test_a_precision_recall_curve_marks_the_point_at_which_the_model_works(
    models: dict[str, Seen],
) -> None:
    """The curve alone would let a reader believe in a precision that is never served."""
    figure = plots.operating_point(models["a"], "val")
    _, point = figure.axes[0].lines
    found = models["a"].metrics()
    assert (point.get_xdata()[0], point.get_ydata()[0]) == (found["recall"], found["precision"])
    assert "point de fonctionnement" in words_of(figure)
    assert f"{models['a'].images} images" in words_of(figure)
    assert "Au seuil de 0,300, précision" in figure.finding


def test_a_curve_keeps_every_point_at_which_it_turns(models: dict[str, Seen]) -> None:
    """What is left out lies on a straight line between what is drawn."""
    whole = curve_of(models["a"].matches)
    table = plots.operating_point(models["a"], "val").table
    for recall in np.unique(whole.recall):
        there = whole.precision[whole.recall == recall]
        drawn = table.loc[table["recall"] == recall, "precision"]
        assert (drawn.min(), drawn.max()) == (there.min(), there.max())


def test_the_bands_of_other_images_say_their_level(models: dict[str, Seen]) -> None:
    zero = np.zeros(len(RECALL_LEVELS))
    bands = dict.fromkeys(models, (zero, zero + 1))
    figure = plots.curves_with_bands(models, bands, COLOURS, "test", 0.95)
    assert "95\u00a0%" in words_of(figure)
    assert len(figure.axes[0].collections) == 2


def test_each_seed_is_a_point_and_each_configuration_a_strip() -> None:
    figure = plots.seed_strips(RUNS, ["mAP50", "recall"], SELECTION, "val", 100)
    assert [tick.get_text() for tick in figure.axes[0].get_yticklabels()] == [
        "big\ncandidat",
        "small\nréférence",
    ]
    points = figure.axes[0].lines[0]
    assert len(points.get_xdata()) == 3


def test_what_quality_costs_is_shown_with_the_front() -> None:
    costs = ["latency_p95_ms", "energy_wh"]
    figure = plots.gain_against_costs(RUNS, costs, "mAP50", SELECTION, "val")
    assert [axes.get_xlabel() for axes in figure.axes] == [
        "latence p95 (ms)",
        "énergie d’entraînement (Wh)",
    ]
    assert "front de Pareto" in figure.finding
    assert {"on_front_latency_p95_ms", "on_front_energy_wh"} <= set(figure.table)
    assert "candidat" in words_of(figure)


def test_the_latencies_have_a_box_a_run() -> None:
    milliseconds = pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": [2.0, 3.0, 4.0]})
    figure = plots.latencies(milliseconds, COLOURS)
    assert [one.get_text() for one in figure.axes[0].get_yticklabels()] == [
        "a\ncandidat",
        "b\nréférence",
    ]
    assert "candidat 2,0\u00a0ms" in figure.finding or "candidat 2,0 ms" in figure.finding
    assert "0,7 fois" in figure.finding


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


def alternatives(plot: Callable[[], Plot | Pictures]) -> dict[str, str]:
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
    figure = plots.reliability(diagnoses, COLOURS)
    assert "ECE" in figure.finding
    for name, found in diagnoses.items():
        boxes = sum(one.count for one in found.bins)
        excess = sum(one.count * (one.confidence - one.right) for one in found.bins) / boxes
        role = {"a": "candidat", "b": "référence"}[name]
        side = "hautes" if excess > 0 else "basses"
        assert re.search(rf"{role}\s: ECE [\d,]+, confiances trop {side}", figure.finding)


def test_the_same_pictures_are_shown_as_each_model_sees_them(streets: PreparedDataset) -> None:
    """Persons found, missed and invented have a colour each: a picture is worth what it tells."""
    truth = ground_truth(streets.folder, "test")
    perfect = truth.dropna().assign(confidence=0.9)
    blind = perfect.head(0)
    shown = {"candidat": see(truth, perfect, 0.5), "référence": see(truth, blind, 0.5)}
    other, one = images_of(streets.folder, "test")[:2]
    pictures: dict[Path, list[Telling]] = {other: ["best"], one: ["worst", "fullest"]}
    picture = plots.side_by_side(pictures, shown)
    assert list(picture.groups) == [
        f"Le mieux, {other.name}",
        f"Le moins bien, la plus peuplée, {one.name}",
    ]
    for group in picture.groups.values():
        theirs, ours = group
        assert theirs.told.startswith("référence, ")
        assert ours.told.startswith("candidat, ")
        assert {name for name, boxes in theirs.boxes.items() if len(boxes)} <= {"missed"}
        assert {name for name, boxes in ours.boxes.items() if len(boxes)} <= {"found"}
    persons = len(truth.dropna().query("image == @other.name"))
    assert persons
    found = f"trouvées\u00a0: {persons}, manquées\u00a0: 0, fausses alarmes\u00a0: 0"
    assert f"Le mieux, {other.name}, candidat, {found}" in described(picture)
    page = as_html(picture)
    assert page.count("<rect") - page.count("rx=") == len(picture.table)
    lines = {
        outcome: set(re.findall(rf'stroke="{colour}"[^>]* stroke-dasharray="([^"]*)"', page))
        for outcome, (colour, _) in OUTCOMES.items()
    }
    assert lines == {"found": {"none"}, "missed": {OUTCOMES["missed"][1]}, "false": set()}
    assert "manquée</span>" in page


def test_a_large_photograph_is_as_light_as_its_place_on_the_page() -> None:
    noise = np.random.default_rng(1).integers(0, 255, (2000, 3000, 3), dtype=np.uint8)
    large = drawn(Pictures("p", "", "", [], pd.DataFrame(), {"a": [Photograph(noise, {}, "")]}))
    assert 'viewBox="0 0 3000 2000"' in large
    held = re.search(r'href="data:image/webp;base64,([^"]+)"', large)
    assert held
    image = cv2.imdecode(np.frombuffer(b64decode(held[1]), np.uint8), cv2.IMREAD_COLOR)
    assert max(image.shape) == LONGEST_SIDE


def test_why_a_picture_is_shown_is_said_in_each_language(streets: PreparedDataset) -> None:
    truth = ground_truth(streets.folder, "test")
    nothing = see(truth, truth.dropna().assign(confidence=0.9).head(0), 0.5)
    image = images_of(streets.folder, "test")[0]
    for language, line, told in (
        ("fr", "Le moins bien", "v3, trouvées\u00a0: 0"),
        ("en", "Worst", "v3, found: 0, missed: "),
    ):
        with in_language(language):
            pictures = plots.side_by_side({image: ["worst"]}, {"v3": nothing})
        assert f"{line}, {image.name}, {told}" in described(pictures)
        assert f'aria-label="{told}' in as_html(pictures)


def test_a_canary_is_drawn_look_by_look() -> None:
    looks = canary("stop").looks
    differences, proof = plots.canary_differences(looks), plots.canary_evidence(looks)
    assert "perte tolérée" in words_of(differences)
    assert "Contre" in words_of(proof)


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


@pytest.fixture(scope="module")
def every_plot(
    models: dict[str, Seen], diagnoses: dict[str, Diagnosis], streets: PreparedDataset
) -> dict[str, dict[str, Plot | Pictures]]:
    """Each plot of the report in each language, drawn of small real values."""
    history = pd.DataFrame({"loss": [2.0, 1.0], "map": [0.2, 0.4]}, index=[1, 2])
    colours = plots.run_colours(RUNS, SELECTION)
    zero = np.zeros(len(RECALL_LEVELS))
    bands = dict.fromkeys(models, (zero, zero + 1))
    truth = ground_truth(streets.folder, "test")
    seen = see(truth, truth.dropna().assign(confidence=0.9), 0.5)
    pictures: dict[Path, list[Telling]] = {images_of(streets.folder, "test")[0]: ["worst"]}
    milliseconds = pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": [2.0, 3.0, 4.0]})
    observations = pd.DataFrame({"boxes_challenger": [1, 2], "confidence_challenger": [0.5, 0.7]})
    timings = pd.DataFrame({"ms_challenger": [1.0, 2], "ms_champion": [2.0, 3], "free": [1.0, 1]})
    before = pd.DataFrame({"boxes": [1, 1], "confidence": [0.4, 0.6]})
    found, looks = evidence().comparison, canary("stop").looks
    plotted: dict[str, Callable[[], Plot | Pictures]] = {
        "box_sizes": lambda: plots.box_sizes({"train": [9.0, 20.0], "val": [12.0, 30.0]}),
        "sample_pictures": lambda: plots.sample_pictures(streets.folder, "val"),
        "training_curves": lambda: plots.training_curves(dict.fromkeys(colours, history), colours),
        "operating_point": lambda: plots.operating_point(models["a"], "val"),
        "curves_with_bands": lambda: plots.curves_with_bands(models, bands, COLOURS, "test", 0.95),
        "seed_strips": lambda: plots.seed_strips(RUNS, ["mAP50", "recall"], SELECTION, "val", 100),
        "gain_against_costs": lambda: plots.gain_against_costs(
            RUNS, ["latency_p50_ms", "energy_wh"], "mAP50", SELECTION, "val"
        ),
        "latencies": lambda: plots.latencies(milliseconds, COLOURS),
        "differences": lambda: plots.differences(
            found, POLICY.required_differences, {"mAP50": 0.97, "recall": 0.95}, 100, 600
        ),
        "variance_split": lambda: plots.variance_split(found),
        "reliability": lambda: plots.reliability(diagnoses, COLOURS),
        "side_by_side": lambda: plots.side_by_side(pictures, {"v3": seen, "v2": seen}),
        "calibration": lambda: plots.calibration(calibration_rows()),
        "canary_differences": lambda: plots.canary_differences(looks),
        "canary_evidence": lambda: plots.canary_evidence(looks),
        "canary_latencies": lambda: plots.canary_latencies(timings, 2.5, 4),
        "canary_drift": lambda: plots.canary_drift(before, observations),
    }
    shown = {}
    for language in ("fr", "en"):
        with in_language(language):
            shown[language] = {name: draw() for name, draw in plotted.items()}
    return shown


def test_every_plot_says_what_it_shows_what_it_finds_and_with_which_numbers(
    every_plot: dict[str, dict[str, Plot | Pictures]],
) -> None:
    """A caption that only names its axes leaves the reading to the reader."""
    assert {*every_plot["fr"], "run_colours"} == set(plots.__all__)
    for name, french in every_plot["fr"].items():
        english = every_plot["en"][name]
        for plot in (french, english):
            assert re.search(r"\d", plot.finding) or name in ("differences", "variance_split")
            assert plot.marks, name
            assert all(re.search(r"\d", mark) for mark in plot.marks), name
            assert not re.search(r"[{}*]", plot.finding + described(plot)), name
        assert not FRENCH.search(words_of(english) + described(english)), name
        assert not ENGLISH.search(words_of(french) + described(french)), name
        assert french.title != english.title, name
        assert french.finding != english.finding, name
        assert described(french) != described(english), name


def test_the_numbers_behind_every_plot_are_beside_it(
    every_plot: dict[str, dict[str, Plot | Pictures]],
) -> None:
    """As UTF-8 with one line of names; the file is the same in each language."""
    for name, french in every_plot["fr"].items():
        page = as_html(french)
        link = re.search(r'download="([\w-]+)\.csv" href="data:text/csv[^,]*,([^"]+)"', page)
        assert link, name
        held = b64decode(link[2]).decode("utf-8")
        assert held == as_csv(every_plot["en"][name]), name
        table = pd.read_csv(StringIO(held))
        assert len(table), name
        assert all(re.fullmatch(r"[A-Za-z][\w-]*", column) for column in table), name


def test_no_plot_keeps_the_paper_s_colours_on_a_dark_page(
    every_plot: dict[str, dict[str, Plot | Pictures]],
) -> None:
    """A colour that the style sheet does not know on dark ground is hard to see there."""
    style = (ROOT / "book" / "_static" / "report.css").read_text("utf-8")
    _, dark = style.split('html[data-theme="dark"] .plot {', 1)
    known = set(re.findall(r"--plot-([\w-]+):", dark.partition("}")[0]))
    for name, plot in every_plot["fr"].items():
        if isinstance(plot, Plot):
            page = as_html(plot)
            used = set(re.findall(r"var\(--plot-([\w-]+),", page))
            assert used - {"paper"} <= known, name
            assert not re.findall(r"(?:fill|stroke): #\w+", page), name


def test_what_is_downloaded_is_what_is_plotted() -> None:
    found = evidence().comparison
    plot = plots.differences(found, {"mAP50": 0.02}, {"recall": 0.97}, 100, 600)
    table = pd.read_csv(StringIO(as_csv(plot))).set_index("metric")
    assert table["difference"].tolist() == [one.difference for one in found]
    bars = [line for line in plot.axes[0].lines if line.get_linewidth() == 2.5]
    ends = [list(bar.get_xdata()) for bar in bars]
    assert np.array(ends) == pytest.approx(table[["low", "high"]].to_numpy())
    assert table["required"].dropna().to_dict() == {"mAP50": 0.02}


def test_the_caption_says_which_requirements_are_established() -> None:
    found = evidence().comparison
    sure = plots.differences(found, {"mAP50": 0.02, "recall": -0.05}, {"mAP50": 0.97}, 9, 9)
    assert "Exigence établie, à la confiance que la règle demande\u00a0: mAP@50." in sure.finding
    unsure = plots.differences(found, {"mAP50": 0.2}, {"mAP50": 0.97}, 9, 9)
    assert unsure.finding == "Exigence non établie à cette confiance\u00a0: mAP@50."


def test_the_caption_says_whether_seeds_mix() -> None:
    mixed = [
        run.model_copy(update={"metrics": {**run.metrics, "mAP50": 0.5 + 0.01 * place % 0.03}})
        for place, run in enumerate(RUNS)
    ]
    apart = [
        run.model_copy(
            update={"metrics": {**run.metrics, "mAP50": 0.4 + 0.1 * (run.configuration == "big")}}
        )
        for run in RUNS
    ]
    swapped = SELECTION.model_copy(update={"candidate": "small", "baseline": "big"})
    for runs, selection, told in (
        (mixed, SELECTION, "mais leurs graines se mêlent"),
        (apart, SELECTION, "chaque graine du candidat dépasse chacune de la référence"),
        (apart, swapped, "chaque graine du candidat reste sous chacune de la référence"),
    ):
        assert told in plots.seed_strips(runs, ["mAP50"], selection, "val", 100).finding


def test_names_beside_curves_stand_apart() -> None:
    """Curves that end together must not have names that cannot be read."""
    figure, ((axes,),) = new_plot(5, 3)
    axes.set_ylim(0, 1)
    name_ends(axes, [End(y, str(y), CANDIDATE) for y in (0.98, 0.97, 0.2, 0.21, 0.99)])
    figure.canvas.draw()
    boxes = sorted((one.get_window_extent() for one in axes.texts), key=lambda box: box.y0)
    assert all(one.y1 <= other.y0 for one, other in pairwise(boxes))
    names = sorted(axes.texts, key=lambda one: one.get_position()[1])
    assert [one.get_text() for one in names] == ["0.2", "0.21", "0.97", "0.98", "0.99"]


def test_a_challenger_that_draws_nothing_has_no_curve_of_its_confidences() -> None:
    before = pd.DataFrame({"boxes": [1, 1], "confidence": [0.4, 0.6]})
    blind = pd.DataFrame({"boxes_challenger": [0, 0], "confidence_challenger": [np.nan, np.nan]})
    figure = plots.canary_drift(before, blind)
    assert len(figure.axes[1].lines) == 1
    assert "— au canari" in figure.finding
