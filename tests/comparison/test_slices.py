"""A gain on average may hide a loss in one place; slices show it, the worst first."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from promotion.comparison import SliceComparison, compare_slices
from promotion.detection import Seen, see
from tests.builders import boxes, detections

IMAGES = 24
TRUTH = boxes(
    *((f"{i:02d}", 0, 0, 20, 20) for i in range(IMAGES)),
    *((f"{i:02d}", 100, 0, 150, 50) for i in range(IMAGES)),
    ("24", np.nan, np.nan, np.nan, np.nan),
)
LIGHT = pd.DataFrame(
    {"light": ["day"] * 12 + ["night"] * 12 + ["fog"]}, index=[f"{i:02d}" for i in range(25)]
)


def seen(seed: int, small: float, medium: float, groups: dict[str, str] | None = None) -> Seen:
    """A model that finds so many of the small persons and of those of medium size."""
    luck = np.random.default_rng(seed)
    share = np.repeat([small, medium, 0.0], [IMAGES, IMAGES, 1])
    rows = TRUTH[luck.random(len(TRUTH)) < share]
    return see(TRUTH, rows.assign(confidence=0.9), 0.5, groups)


def by_slice(found: list[SliceComparison]) -> dict[tuple[str, str], SliceComparison]:
    return {(one.column, one.value): one for one in found}


OURS = [seen(seed, 0.3, 0.9) for seed in (1, 2, 3)]
THEIRS = [seen(seed, 0.9, 0.4) for seed in (4, 5, 6)]


def test_the_worst_slice_comes_first_and_each_has_recalls_that_a_reader_can_count() -> None:
    found = compare_slices(OURS, THEIRS, LIGHT, 0.95, 200)
    assert [one.difference for one in found] == sorted(one.difference for one in found)
    small = found[0]
    assert (small.column, small.value, small.persons, small.images) == ("size", "small", 24, 24)
    counted = [
        np.mean([(one.detections["x1"] == 20).sum() / 24 for one in s]) for s in (OURS, THEIRS)
    ]
    assert [small.candidate, small.baseline] == pytest.approx(counted)
    assert small.interval[1] < 0 < by_slice(found)["size", "medium"].interval[0]


def test_a_slice_is_of_the_column_that_the_images_have() -> None:
    found = by_slice(compare_slices(OURS, THEIRS, LIGHT, 0.95, 100))
    assert found["light", "day"].persons == found["light", "night"].persons == 24
    assert found["light", "day"].images == 12


def test_slices_with_too_few_persons_are_left_out() -> None:
    found = by_slice(compare_slices(OURS, THEIRS, LIGHT, 0.95, 100))
    assert ("light", "fog") not in found
    assert ("size", "large") not in found


def test_a_slice_s_difference_is_that_of_recall_where_it_is_the_whole() -> None:
    everything = pd.DataFrame({"all": "x"}, index=LIGHT.index)
    found = by_slice(compare_slices(OURS, THEIRS, everything, 0.95, 100))["all", "x"]
    means = [np.mean([one.metrics()["recall"] for one in side]) for side in (OURS, THEIRS)]
    assert found.difference == pytest.approx(means[0] - means[1])


def test_images_of_one_clip_count_once() -> None:
    """Twelve frames of two clips prove less than twelve images."""
    clips = {f"{i:02d}": f"clip{i // 6}" for i in range(IMAGES)}

    def width(groups: dict[str, str] | None) -> float:
        ours = [seen(s, 0.6, 0.6, groups) for s in (1, 2)]
        theirs = [seen(s, 0.6, 0.6, groups) for s in (3, 4)]
        one = by_slice(compare_slices(ours, theirs, LIGHT, 0.95, 200))["size", "small"]
        return one.interval[1] - one.interval[0]

    assert width(clips) > width(None)


def test_a_split_without_persons_has_no_slice() -> None:
    nobody = boxes(("a", np.nan, np.nan, np.nan, np.nan), ("b", np.nan, np.nan, np.nan, np.nan))
    blind = see(nobody, detections(), 0.5)
    assert compare_slices([blind], [blind], pd.DataFrame(index=["a", "b"]), 0.95, 20) == []
