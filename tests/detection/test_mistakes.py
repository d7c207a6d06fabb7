"""Each false alarm has a kind, the one that hotcoco counts, whatever the threshold."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from promotion.detection import Seen, diagnose, false_alarms, see
from promotion.study import OperatingPoint
from tests.builders import boxes, detections, random_split

pytestmark = pytest.mark.slow


def kinds(seen: Seen) -> dict[str, int]:
    """How often each kind occurs at the threshold, as the gallery counts it."""
    alarms = false_alarms(seen)
    shown = alarms[alarms["confidence"] >= seen.threshold]
    found = seen.matches.person[seen.matches.confidence >= seen.threshold]
    near = shown.loc[shown["kind"] == "Loc", "person"]
    missed = set(seen.ground_truth.dropna().index) - set(found) - set(near)
    counts = shown["kind"].value_counts().to_dict()
    return {kind: counts.get(kind, 0) for kind in ("Loc", "Dupe", "Bkg")} | {"Miss": len(missed)}


@given(seed=st.integers(0, 10_000), ties=st.booleans(), threshold=st.floats(0, 1))
@settings(max_examples=30, deadline=None)
def test_every_kind_is_counted_as_hotcoco_counts_it(
    seed: int, ties: bool, threshold: float
) -> None:
    seen = see(*random_split(seed, ties), threshold)
    counted = {one.name: one.count for one in diagnose(seen, seen, OperatingPoint()).errors}
    assert kinds(seen) == counted


@pytest.mark.parametrize(
    ("box", "kind", "person"),
    [
        ((0, 0, 20, 19), "Dupe", 0),
        ((0, 0, 20, 5), "Loc", 0),
        ((18, 0, 38, 20), "Bkg", -1),
        ((100, 100, 120, 120), "Bkg", -1),
    ],
)
def test_a_false_alarm_is_told_by_whom_it_is_on(
    box: tuple[float, ...], kind: str, person: int
) -> None:
    truth = boxes(("a", 0, 0, 20, 20), ("b", 0, 0, 20, 20))
    found = detections(("a", 0, 0, 20, 20, 0.9), ("a", *box, 0.8))  # type: ignore[arg-type]
    (alarm,) = false_alarms(see(truth, found, 0.5)).itertuples()
    assert (alarm.image, alarm.confidence, alarm.kind, alarm.person) == ("a", 0.8, kind, person)
