"""Where the models together contradict an annotation, the annotation is in doubt."""

from __future__ import annotations

import pandas as pd
import pytest

from promotion.detection import Seen, see, suspected_labels, without_suspects
from tests.builders import boxes, detections

ANNOTATED = ("a", 0, 0, 20, 20)
FORGOTTEN = ("a", 50, 50, 80, 90)
TRUTH = boxes(ANNOTATED, ("b", 10, 10, 40, 40))


def model(*found: tuple[object, ...], sure: float = 0.9) -> Seen:
    """What a model saw that finds the annotated person, and these."""
    return see(TRUTH, detections((*ANNOTATED, 0.95), *((*one, sure) for one in found)), 0.3)


def test_a_person_whom_most_runs_see_and_nobody_annotated_is_suspected() -> None:
    near = ("a", 51, 51, 81, 91)
    runs = [model(FORGOTTEN), model(near, sure=0.8), model(FORGOTTEN), model()]
    (found,) = suspected_labels(runs)
    assert (found.image, found.kind, found.runs) == ("a", "missing_annotation", 3)
    assert found.box == FORGOTTEN[1:]
    assert found.score == pytest.approx(0.9)


def test_one_of_two_equally_large_sides_does_not_accuse_the_annotation() -> None:
    """A side could otherwise turn its own false alarms into forgotten persons."""
    assert suspected_labels([model(FORGOTTEN), model(FORGOTTEN), model(), model()]) == []


def test_what_a_model_is_not_sure_of_accuses_nobody() -> None:
    assert suspected_labels([model(FORGOTTEN, sure=0.4)] * 3) == []


def test_without_it_the_box_counts_for_nothing() -> None:
    run = model(FORGOTTEN, ("b", 70, 70, 90, 90))
    suspects = suspected_labels([model(FORGOTTEN)] * 2)
    again = without_suspects(run, suspects)
    assert run.metrics()["precision"] == pytest.approx(1 / 3)
    assert again.metrics()["precision"] == pytest.approx(1 / 2)
    assert again.metrics()["recall"] == run.metrics()["recall"]
    pd.testing.assert_frame_equal(again.ground_truth, run.ground_truth)


def test_a_split_where_nothing_is_shown_has_no_suspects() -> None:
    silent = see(TRUTH, model().detections[:0], 0.3)
    assert suspected_labels([silent, silent]) == []
    assert without_suspects(silent, []).metrics() == silent.metrics()
