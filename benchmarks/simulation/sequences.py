"""What repeated openings, rivals and followed plans are worth: estimates, not images, are drawn.

The errors are those of the embedded study. At the edge the true difference is the required one, so
that every promotion is wrong.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import special

from benchmarks.simulation.detectors import REAL
from benchmarks.simulation.rows import ALPHA, Row, at_least, at_most
from promotion.comparison.law import ConfidenceDistribution
from promotion.comparison.openings import Opening, ledger_of, required_levels
from promotion.comparison.planning import POWER, Claim, plan
from promotion.metrics import Array
from promotion.study import Objective, Policy

IMAGE_ERROR, IMAGES, SEEDS = REAL["image_error"], 200, 3
# A seed's standard deviation: as in the embedded study, and twenty times that.
SEED_SDS = {"": REAL["seed_error"] * np.sqrt(SEEDS / 2), "_noisy": 0.05}
LOOKS, CANDIDATES, RIVALS = 9, 20, 5
POLICY = Policy(objectives=[Objective(metric="mAP50", smallest_gain=0.0)], confidence=1 - ALPHA)
# True distances from what is required, in standard errors of the first study; None: as they come.
OFFSETS = {"plan_as_they_come": None, "plan_0.25": 0.25, "plan_0.5": 0.5, "plan_1": 1.0}


def ledger_levels(looks: Sequence[int], planned: bool) -> list[float]:
    """The error that the ledger grants each look, at so many seeds a side."""
    policy = POLICY.model_copy(update={"planned_seeds": list(looks) if planned else []})
    openings = [
        Opening(
            question=str(place),
            sequence="planned" if planned else str(place),
            when="",
            who="",
            study="",
            candidate="",
            baseline="",
            seeds=seeds,
            policy="",
        )
        for place, seeds in enumerate(looks)
    ]
    return [ledger_of(openings[: i + 1], policy).level for i in range(len(openings))]


def opening_rows(studies: int) -> list[Row]:
    """Wrong promotions over all looks, by the rule that grants each look its error."""
    seeds = range(2, LOOKS + 2)
    rows = []
    for suffix, sd in SEED_SDS.items():
        for name, levels in (
            ("seeds_added_no_rule", [ALPHA] * LOOKS),
            ("seeds_added_ledger", ledger_levels(seeds, planned=False)),
            ("seeds_added_planned", ledger_levels(seeds, planned=True)),
        ):
            wrong = seeds_added(sd, levels, studies)
            rows.append(at_most("openings", name + suffix, "promoted", wrong, ALPHA))
    for name, levels in (
        ("candidates_no_rule", [ALPHA] * CANDIDATES),
        ("candidates_ledger", ledger_levels([SEEDS] * CANDIDATES, planned=False)),
    ):
        wrong = candidates_tried(0.5, levels, studies)
        rows.append(at_most("openings", name, "promoted", wrong, ALPHA))
    for name, rivals in (("rivals_no_rule", 1), ("rivals_corrected", RIVALS)):
        level = 1 - required_levels(POLICY, ALPHA, rivals)["mAP50"]
        wrong = best_of_rivals(SEED_SDS["_noisy"], level, studies)
        rows.append(at_most("openings", name, "promoted", wrong, ALPHA))
    return rows


def _p_values(estimate: Array, image_variance: Array, ours: Array, theirs: Array) -> Array:
    """One-sided p-values by the law of images and seeds, with Welch's freedom."""
    parts = np.array([side.var(axis=1, ddof=1) / side.shape[1] for side in (ours, theirs)])
    freedoms = np.array([[ours.shape[1] - 1], [theirs.shape[1] - 1]])
    total = image_variance + parts.sum(axis=0)
    uncertain = image_variance**2 / (IMAGES - 1) + (parts**2 / freedoms).sum(axis=0)
    return np.asarray(special.stdtr(total**2 / uncertain, -estimate / np.sqrt(total)))


def _image_variance(rng: np.random.Generator, studies: int) -> Array:
    """The images' variance as so many images estimate it."""
    return np.asarray(IMAGE_ERROR**2 * rng.chisquare(IMAGES - 1, studies) / (IMAGES - 1))


def seeds_added(sd: float, levels: Sequence[float], studies: int) -> Array:
    """Whether a study at the edge is ever promoted while a seed a side is added at each look."""
    rng = np.random.default_rng(0)
    image = rng.normal(0, IMAGE_ERROR, studies)
    ours, theirs = rng.normal(0, sd, (2, studies, len(levels) + 1))
    variance = _image_variance(rng, studies)
    promoted = np.zeros(studies, bool)
    for count, level in enumerate(levels, start=2):
        one, other = ours[:, :count], theirs[:, :count]
        estimate = image + one.mean(axis=1) - other.mean(axis=1)
        promoted |= _p_values(estimate, variance, one, other) <= level
    return promoted


def candidates_tried(shared: float, levels: Sequence[float], studies: int) -> Array:
    """Whether one of several candidates at the edge, one an opening, is ever promoted.

    `shared` is the correlation of their differences: the baseline and the images are the same.
    """
    rng = np.random.default_rng(1)
    common = rng.normal(0, 1, (studies, 1))
    own = rng.normal(0, 1, (studies, len(levels)))
    z = np.sqrt(shared) * common + np.sqrt(1 - shared) * own
    return np.asarray((special.ndtr(-z) <= np.array(levels)).any(axis=1))


def best_of_rivals(sd: float, level: float, studies: int) -> Array:
    """Whether the best of several rivals on val, all at the edge, is promoted on test.

    Its lucky seeds are as lucky on test.
    """
    rng = np.random.default_rng(4)
    seeds = rng.normal(0, sd, (studies, RIVALS, SEEDS))
    on_val = seeds.mean(axis=2) + rng.normal(0, IMAGE_ERROR, (studies, RIVALS))
    winner = seeds[np.arange(studies), on_val.argmax(axis=1)]
    baseline = rng.normal(0, sd, (studies, SEEDS))
    estimate = rng.normal(0, IMAGE_ERROR, studies) + winner.mean(axis=1) - baseline.mean(axis=1)
    variance = _image_variance(rng, studies)
    return _p_values(estimate, variance, winner, baseline) <= level


def plan_rows(studies: int) -> list[Row]:
    """Whether a plan, followed on new images and seeds, settles what was open, and rightly."""
    rows = []
    for name, offset in OFFSETS.items():
        settled, wrong = followed(offset, studies)
        rows.append(at_least("plans", name, "settled", settled, POWER))
        rows.append(at_most("plans", name, "wrong", wrong, ALPHA))
    return rows


def followed(offset: float | None, studies: int) -> tuple[list[bool], list[bool]]:
    """Of each study with a plan: whether the planned one settles, and whether it does wrongly.

    Studies that are settled at once, or for which no size within reach would do, have no plan.
    """
    rng = np.random.default_rng(2)
    seed_error = REAL["seed_error"]
    error = float(np.hypot(IMAGE_ERROR, seed_error))
    settled: list[bool] = []
    wrong: list[bool] = []
    while len(settled) < studies:
        true = (rng.normal(0, 2) if offset is None else offset) * error
        seen = true + rng.normal(0, error)
        law = ConfidenceDistribution(centre=seen, scale=error, freedom=IMAGES, low=-1, high=1)
        claim = Claim(
            distance=seen, image_error=IMAGE_ERROR, seed_error=seed_error, confidence=1 - ALPHA
        )
        if not ALPHA < law.probability_above(0) < 1 - ALPHA:
            continue
        size = plan([claim], IMAGES, SEEDS).both
        if size is None:
            continue
        image = IMAGE_ERROR * np.sqrt(IMAGES / size.images)
        seed = seed_error * np.sqrt(SEEDS / size.seeds)
        freedom = 2 * (size.seeds - 1)
        shown = seed**2 * rng.chisquare(freedom) / freedom
        total = image**2 + shown
        known = total**2 / (image**4 / (size.images - 1) + shown**2 / freedom)
        again = true + rng.normal(0, np.hypot(image, seed))
        p = float(special.stdtr(known, again / np.sqrt(total)))
        done = p >= 1 - ALPHA or p <= ALPHA
        settled.append(done)
        wrong.append(done and (p >= 1 - ALPHA) != (true > 0))
    return settled, wrong
