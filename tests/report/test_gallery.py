"""The gallery shows what was published, at the published threshold and at any other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from promotion.detection import Seen, SuspectedLabel, see
from promotion.metrics import precision_and_recall
from promotion.report.gallery import Gallery, make_gallery, write_gallery
from promotion.report.language import in_language
from tests.builders import boxes, detections, everyone, random_split

pytestmark = pytest.mark.slow

NAMES = [f"{number:02d}.jpg" for number in range(12)]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return pictures_in(tmp_path_factory.mktemp("pictures"), NAMES)


def pictures_in(folder: Path, names: Sequence[str]) -> list[Path]:
    for name in names:
        Image.new("RGB", (320, 240)).save(folder / name, "JPEG")
    return [folder / name for name in names]


def gallery_of(
    pictures: list[Path], *models: Seen, suspects: Sequence[SuspectedLabel] = ()
) -> Gallery:
    light = ["night" if number % 2 else "day" for number in range(len(pictures))]
    slices = pd.DataFrame({"light": light}, index=[path.name for path in pictures])
    named = {f"model {number}": seen for number, seen in enumerate(models)}
    return make_gallery(pictures, named, slices, suspects)


@given(
    seed=st.integers(0, 10_000),
    ties=st.booleans(),
    thresholds=st.tuples(st.floats(0.01, 0.99), st.floats(0.01, 0.99)),
)
@settings(max_examples=20, deadline=None)
def test_what_it_counts_is_what_was_published(
    pictures: list[Path], seed: int, ties: bool, thresholds: tuple[float, float]
) -> None:
    """At every stop; each model's own threshold, to the last digit, is one of them."""
    truth, found = random_split(seed, ties)
    other = found.assign(confidence=found["confidence"].to_numpy()[::-1])
    models = [see(truth, table, at) for table, at in zip((found, other), thresholds, strict=True)]
    gallery = gallery_of(pictures, *models)
    for model, seen in enumerate(models):
        assert gallery.stops[gallery.own[model]] == seen.threshold
        for stop in {*range(0, len(gallery.stops), 9), *gallery.own}:
            counts = gallery.counts(model, stop)
            precision, recall = precision_and_recall(
                seen.matches, everyone(seen.matches), gallery.stops[stop]
            )
            assert (counts.precision or 0) == pytest.approx(precision[0], abs=1e-12)
            if counts.recall is not None:
                assert counts.recall == pytest.approx(recall[0], abs=1e-12)


def test_a_box_at_the_very_threshold_is_shown_and_one_just_below_is_not(
    pictures: list[Path],
) -> None:
    threshold = 0.123456789
    truth = boxes(("00.jpg", 0, 0, 20, 20), ("00.jpg", 50, 0, 90, 90))
    found = detections(
        ("00.jpg", 0, 0, 20, 20, threshold),
        ("00.jpg", 50, 0, 90, 90, float(np.nextafter(threshold, 0))),
    )
    gallery = gallery_of(pictures[:1], see(truth, found, threshold))
    counts = gallery.counts(0, gallery.own[0])
    assert (counts.found, counts.missed, counts.false) == (1, 1, 0)


def test_the_pictures_where_the_candidate_errs_most_come_first(pictures: list[Path]) -> None:
    truth = boxes(("00.jpg", 0, 0, 20, 20), ("01.jpg", 0, 0, 20, 20), ("02.jpg", 0, 0, 20, 20))
    found = detections(
        ("00.jpg", 0, 0, 20, 20, 0.9),
        ("01.jpg", 0, 0, 20, 20, 0.9),
        ("01.jpg", 100, 0, 120, 20, 0.9),
        ("02.jpg", 100, 0, 120, 20, 0.9),
    )
    gallery = gallery_of(pictures[:3], see(truth, found, 0.5))
    assert [path.name for path in gallery.paths] == ["02.jpg", "01.jpg", "00.jpg"]


def one_person(name: str, size: float = 20) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A person of this size who is found, and a false alarm."""
    truth = boxes((name, 0, 0, size, size))
    return truth, detections((name, 0, 0, size, size, 0.9), (name, 200, 0, 220, 20, 0.6))


@pytest.mark.parametrize(("language", "told"), [("fr", "0,500"), ("en", "0.500")])
def test_without_a_script_it_shows_the_candidate_at_its_threshold(
    pictures: list[Path], language: str, told: str
) -> None:
    seen = see(*one_person("00.jpg"), 0.5)
    with in_language(language):
        page = BeautifulSoup(write_gallery(gallery_of(pictures[:1], seen)), "html.parser")
    (figure,) = page.select("figure.picture")
    assert [str(one["class"][0]) for one in figure.select("rect")] == ["found", "false"]
    assert [one.text for one in figure.select("[data-count]")] == ["1", "0", "1"]
    assert "00.jpg" in str(figure.img and figure.img["alt"])
    precision = page.select_one("[data-total=precision]")
    assert precision is not None
    assert precision.text == told
    assert page.form is not None
    assert page.form.has_attr("hidden")


def test_a_label_in_doubt_is_said_to_be(pictures: list[Path]) -> None:
    doubt = SuspectedLabel(
        image="00.jpg", kind="missing_annotation", box=(200, 0, 220, 20), score=0.6, runs=4
    )
    shown = write_gallery(
        gallery_of(pictures[:1], see(*one_person("00.jpg"), 0.5), suspects=[doubt])
    )
    figure = BeautifulSoup(shown, "html.parser").select_one("figure.picture")
    assert figure is not None
    assert len(figure.select("rect.suspect")) == 1
    assert "personne peut-être oubliée (confiance 0,600, 4 runs)" in figure.text


def test_a_picture_s_name_is_text_and_not_a_part_of_the_page(tmp_path: Path) -> None:
    name = "<img src=x onerror=alert(1)>\n\n'\"&.jpg"
    pictures = pictures_in(tmp_path, [name])
    shown = write_gallery(gallery_of(pictures, see(*one_person(name), 0.5)))
    page = BeautifulSoup(shown, "html.parser")
    assert "" not in shown.splitlines()
    assert not page.select("[onerror]")
    code = page.select_one("figcaption code")
    assert code is not None
    assert code.text.startswith("<img src=x")
