"""What the canary promises: stability is defined, a bad model is stopped early, peeking is safe."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from promotion.canary import CRITERIA, Look
from promotion.canary.run import behaviour, run_canary
from promotion.canary.stability import Promise, judge, side_metrics
from promotion.checksums import sha256_of
from promotion.datasets import ground_truth, images_of, prepare
from promotion.registry import Contender, open_onnx
from promotion.study import Canary, CanaryDataset
from promotion.study.schema import Margins
from tests.builders import detections

RULES = Canary(
    dataset=CanaryDataset(source="street_scenes", images=60),
    batch=15,
    margins=Margins(recall=0.1, precision=0.15),
    latency_p95_ms=100,
)
# A busy machine must not decide what a test of the boxes says; short bursts make many blocks.
PATIENT = RULES.model_copy(update={"latency_p95_ms": 60_000.0, "burst_s": 0.02})
CONFIDENCE = 0.95


def observed(images: int, seed: int = 0, **changes: float) -> pd.DataFrame:
    """Two sides that see alike; `changes` make the challenger miss, invent, or be late."""
    rng = np.random.default_rng(seed)
    persons = rng.poisson(4, images)
    # Two requests a second: long enough that disturbances of a second show.
    table = pd.DataFrame({"persons": persons, "asked_at": np.arange(images) / 2, "free": 1.0})
    for side in ("champion", "challenger"):
        own = changes if side == "challenger" else {}
        found = rng.binomial(persons, 0.7 - own.get("misses", 0.0))
        false = rng.poisson(0.8 + own.get("inventions", 0.0), images)
        table[f"found_{side}"] = found
        table[f"boxes_{side}"] = found + false
        table[f"confidence_{side}"] = rng.beta(6, 3, images) - own.get("doubt", 0.0)
        table[f"ms_{side}"] = rng.gamma(20, 2 + own.get("slower", 0.0), images)
    return table


def promised(table: pd.DataFrame) -> Promise:
    """What such a challenger did on test."""
    seen = table[["boxes_challenger", "confidence_challenger"]]
    return Promise(0.75, seen.rename(columns=lambda name: name.removesuffix("_challenger")))


PROMISE = promised(observed(200, seed=9))


def watch(table: pd.DataFrame) -> list[Look]:
    """All looks until the canary ends, as `run_canary` takes them."""
    looks: list[Look] = []
    while not looks or (looks[-1].verdict == "continue" and looks[-1].images < len(table)):
        seen = table[: (len(looks) + 1) * 25]
        ended = len(seen) == len(table)
        looks.append(judge(seen, PROMISE, RULES, CONFIDENCE, len(looks) + 1, ended=ended))
    return looks


def test_a_challenger_as_good_as_the_champion_passes() -> None:
    last = watch(observed(600))[-1]
    assert last.verdict == "go"
    assert {one.state for one in last.criteria} == {"held"}
    assert [one.name for one in last.criteria] == list(CRITERIA)
    assert all(one.bounds[0] >= one.limit - 1e-9 for one in last.criteria if not one.is_drift)


@pytest.mark.parametrize(
    ("change", "broken"),
    [
        ({"misses": 0.4}, "recall"),
        ({"inventions": 5.0}, "precision"),
        ({"slower": 4.0}, "latency"),
        ({"doubt": 0.6}, "drift_confidence"),
    ],
)
def test_a_bad_challenger_is_stopped_early_and_the_cause_is_named(
    change: dict[str, float], broken: str
) -> None:
    looks = watch(observed(600, **change))
    assert looks[-1].verdict == "stop"
    assert looks[-1].images < 600
    assert looks[-1].criterion(broken).state == "broken"


@pytest.mark.slow
def test_a_challenger_that_lost_more_than_the_margin_seldom_passes() -> None:
    """Looking after every batch; the loss is just beyond the margin, the worst case."""
    passed = 0
    for seed in range(60):
        passed += watch(observed(250, seed, misses=0.11))[-1].verdict == "go"
    assert passed / 60 <= 0.05


@pytest.mark.slow
def test_an_equal_challenger_is_seldom_stopped() -> None:
    stopped = sum(watch(observed(150, seed))[-1].verdict == "stop" for seed in range(60))
    assert stopped / 60 <= 0.05


def test_a_busy_machine_withholds_a_go_but_stops_nobody() -> None:
    busy = observed(400)
    slowed = np.random.default_rng(1).random(len(busy)) < 0.3
    for side in ("champion", "challenger"):
        busy.loc[slowed, f"ms_{side}"] += 500
    last = watch(busy)[-1]
    assert (last.verdict, last.criterion("latency").state) == ("continue", "open")
    busy.loc[slowed, "ms_champion"] -= 500
    last = watch(busy)[-1]
    assert (last.verdict, last.criterion("latency").state) == ("stop", "broken")


def test_too_few_pictures_leave_it_open() -> None:
    look = watch(observed(25))[-1]
    assert look.verdict == "continue"
    assert any(one.state == "open" for one in look.criteria)


def test_neither_silence_nor_boldness_pays_by_itself() -> None:
    """Boxes drawn where the champion draws none count by what they are worth."""
    table = observed(400)
    silent = table.assign(found_champion=0, boxes_champion=0)
    found = silent["found_challenger"].sum() / silent["boxes_challenger"].sum()
    fair = judge(silent, PROMISE, RULES, CONFIDENCE, 1).criterion("precision")
    assert fair.value == pytest.approx(found - PROMISE.precision, abs=0.06)


def test_images_without_boxes_have_no_confidence() -> None:
    shown = detections(("a.jpg", 0, 0, 1, 1, 0.5), ("a.jpg", 0, 0, 1, 1, 0.7))
    found = behaviour(shown, ["a.jpg", "b.jpg"])
    assert list(found["boxes"]) == [2, 0]
    assert found.loc["a.jpg", "confidence"] == pytest.approx(0.6)
    assert np.isnan(found.loc["b.jpg", "confidence"])


@pytest.mark.slow
def test_a_real_canary_stops_the_model_that_sees_less(starter: Path, tmp_path: Path) -> None:
    """The starter weights against themselves at a threshold that hides nearly everything."""
    folder = prepare(RULES.dataset, tmp_path).folder
    images, truth = images_of(folder, "canary"), ground_truth(folder, "canary")
    model = open_onnx(starter, sha256_of(starter))
    sharp, blind = Contender("sharp", model, 0.1), Contender("blind", model, 0.95)
    shown = pd.concat([sharp.see(path.read_bytes()).assign(image=path.name) for path in images])
    promise = Promise(0.5, behaviour(shown, [path.name for path in images]))
    course = run_canary(blind, sharp, images, {}, truth, promise, PATIENT, CONFIDENCE)
    assert course.verdict == "stop", course.looks[-1]
    assert course.looks[-1].images <= len(images)
    assert list(course.observations.index) == [p.name for p in images[: course.looks[-1].images]]
    found = {side: side_metrics(course.observations, side) for side in ("challenger", "champion")}
    assert found["challenger"]["recall"] < found["champion"]["recall"]
    assert found["champion"]["latency_p95_ms"] >= found["champion"]["latency_p50_ms"] > 0

    course = run_canary(sharp, sharp, images, {}, truth, promise, PATIENT, CONFIDENCE)
    assert course.verdict == "continue"
    assert course.looks[-1].images == len(images)
    assert course.images_needed is not None
    assert course.images_needed > len(images)
    assert course.looks[-1].criterion("recall").value == 0
