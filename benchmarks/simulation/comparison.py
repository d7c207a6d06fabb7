"""Do the intervals, the promotions and the gates keep their word? Studies with a known truth."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from benchmarks.simulation.detectors import (
    ALWAYS_ONE,
    REAL,
    Scenario,
    SimulatedRun,
    draw_side,
    draw_split,
    seed_shifts,
)
from benchmarks.simulation.rows import ALPHA, Row, counted
from promotion.comparison.bootstrap import (
    MetricComparison,
    bootstrap_weights,
    difference,
    sample_size,
)
from promotion.comparison.bounds import Bounds, gate_state, metric_bounds
from promotion.metrics import metric_values

CONFIDENCE = 1 - ALPHA
METRICS = ("mAP50", "precision", "recall")
COVERAGE = (0.93, 0.97)
REPLICATES = 400
TRUTH_IMAGES, TRUTH_SPLITS = 20_000, 8
# A gate's limit is put so close to the truth on its wrong side.
BESIDE = 1e-9

SCENARIOS = [
    Scenario("embedded", images=200),
    Scenario("no_difference", skills=(-2.3, -2.3)),
    Scenario("images_10", images=10, effort=2),
    Scenario("images_20", images=20, effort=2),
    Scenario("crowds", crowding=0.4),
    Scenario("rare_positives", positive=0.1),
    Scenario("clips", images=100, frames=5),
    Scenario("clips_ignored", images=100, frames=5, grouped=False),
    Scenario("seeds_2_and_6", seeds=(2, 6), seed_sd=0.1),
    Scenario("seeds_noisy", seed_sd=0.2),
    Scenario("seeds_correlated", correlation=0.7, seed_sd=0.2),
    Scenario("collapse_seen", collapse=-3.0, collapsing=ALWAYS_ONE),
    Scenario("collapse_unseen", collapse=-3.0, collapsing=0.1),
    Scenario("near_1", images=12, skills=(3.0, 2.5), clutter_score=-5.5),
]


@dataclass(frozen=True)
class Truth:
    """One metric over all images: of both configurations, and of a run by its seed's shift."""

    candidate: float
    baseline: float
    slope: float
    centre: float

    @property
    def gap(self) -> float:
        """The true difference."""
        return self.candidate - self.baseline

    def run(self, shift: float) -> float:
        """The value of the candidate's run whose seed moves its skill so far; not far."""
        return self.centre + self.slope * shift


def truth(scenario: Scenario, splits: int = TRUTH_SPLITS) -> dict[str, Truth]:
    """Each metric's truth, nearly; clips and the number of images change nothing in it."""
    lost = scenario.collapsing
    bare = replace(
        scenario,
        name="",
        images=TRUTH_IMAGES,
        frames=1,
        grouped=False,
        seeds=(0, 0),
        correlation=0.0,
        collapsing=1 / scenario.seeds[0] if lost == ALWAYS_ONE else lost,
        effort=1,
    )
    return _truth(bare, splits)


@lru_cache
def _truth(scenario: Scenario, splits: int) -> dict[str, Truth]:
    tables = np.mean([_large_split(scenario, number) for number in range(splits)], axis=0)
    low, high, collapsed, base_low, base_high = tables
    centre = (low + high) / 2
    rows = zip(
        centre + scenario.collapsing * (collapsed - centre),
        (base_low + base_high) / 2,
        (high - low) / (2 * scenario.seed_sd),
        centre,
        strict=True,
    )
    return {m: Truth(*map(float, row)) for m, row in zip(METRICS, rows, strict=True)}


def _large_split(scenario: Scenario, number: int) -> np.ndarray:
    """Metrics (runs, metrics) of the candidate's low, high and collapsed run, the baseline's two.

    Both sides are drawn with the same numbers, so that equal skills are equal in truth.
    """
    sd = scenario.seed_sd
    rng = np.random.default_rng([99, number])
    split = draw_split(scenario, TRUTH_IMAGES, rng)
    state = rng.bit_generator.state
    everyone = np.ones((1, TRUTH_IMAGES))
    rows = []
    for skill, shifts in zip(
        scenario.skills, ([-sd, sd, scenario.collapse], [-sd, sd]), strict=True
    ):
        rng.bit_generator.state = state
        for run in draw_side(split, skill, np.array(shifts), False, rng):
            values = metric_values(run.matches, everyone, run.threshold, METRICS)
            rows.append([values[metric][0] for metric in METRICS])
    return np.array(rows)


@dataclass(frozen=True)
class Study:
    """What a simulated study says, and the shift of the candidate's run that a gate judges."""

    comparison: dict[str, MetricComparison]
    bounds: dict[str, Bounds]
    shift: float


def simulate(scenario: Scenario, number: int, replicates: int = REPLICATES) -> Study:
    """Draw one study and compare it as a real one is."""
    rng = np.random.default_rng([number, scenario.images, scenario.frames, sum(scenario.seeds)])
    split = draw_split(scenario, scenario.images, rng)
    shifts = seed_shifts(scenario, rng)
    ours, theirs = (
        draw_side(split, skill, shift, scenario.grouped, rng)
        for skill, shift in zip(scenario.skills, shifts, strict=True)
    )
    found = compared(ours, theirs, rng, replicates)
    bounds = metric_bounds(ours[-1], CONFIDENCE, rng, replicates)
    return Study(found, bounds, float(shifts[0][-1]))


def compared(
    ours: Sequence[SimulatedRun],
    theirs: Sequence[SimulatedRun],
    rng: np.random.Generator,
    replicates: int,
) -> dict[str, MetricComparison]:
    """What `compare` says, without mAP@50-95: made-up boxes have no IoU but one."""
    matches, groups = ours[0].matches, ours[0].groups
    weights = bootstrap_weights(len(matches.images), rng, replicates, groups)
    sample = sample_size(matches.persons, groups)
    sides = [
        [metric_values(run.matches, weights, run.threshold, METRICS) for run in side]
        for side in (ours, theirs)
    ]
    tables = {m: [np.array([run[m] for run in side]) for side in sides] for m in METRICS}
    return {m: difference(m, *tables[m], sample, CONFIDENCE) for m in METRICS}


def rows_of(scenario: Scenario, studies: Sequence[Study], true: dict[str, Truth]) -> list[Row]:
    """What studies of one kind keep of their promises, metric by metric."""
    rows = []
    for metric in METRICS:
        found = [study.comparison[metric] for study in studies]
        gap = true[metric].gap
        row = _writer(scenario.name, metric)
        half_width = float(np.mean([(high - low) / 2 for low, high in (d.interval for d in found)]))
        covered = (d.interval[0] <= gap <= d.interval[1] for d in found)
        coverage = row("coverage", covered, COVERAGE)
        rows.append(coverage.model_copy(update={"half_width": half_width}))
        # The product promotes nothing while a seed has collapsed, and may still reject.
        above = [d.law.probability_above(gap) for d in found]
        promoted = (
            p >= CONFIDENCE and not study.comparison["mAP50"].collapsed
            for p, study in zip(above, studies, strict=True)
        )
        rows.append(row("promoted", promoted))
        rows.append(row("rejected", (p <= ALPHA for p in above)))
        # Where any seed may collapse, a run's own truth is not that of a small shift.
        if scenario.collapsing <= 0:
            gates = [(study.bounds[metric], true[metric].run(study.shift)) for study in studies]
            held = (gate_state(b, limit + BESIDE, True) == "held" for b, limit in gates)
            broken = (gate_state(b, limit - BESIDE, True) == "broken" for b, limit in gates)
            rows += [row("gate_held", held), row("gate_broken", broken)]
    return rows


def _writer(name: str, metric: str) -> Callable[..., Row]:
    def row(measure: str, seen: Iterable[bool], promise: tuple[float, float] = (0.0, ALPHA)) -> Row:
        return counted("comparison", name, measure, seen, promise, metric)

    return row


def comparison_rows(scenario: Scenario, studies: int, replicates: int = REPLICATES) -> list[Row]:
    """Simulate `studies` studies (times the scenario's effort) and count."""
    numbers = range(studies * scenario.effort)
    found = [simulate(scenario, number, replicates) for number in numbers]
    return rows_of(scenario, found, truth(scenario))


def fitted(studies: int) -> dict[str, dict[str, float]]:
    """What the simulation was fitted to, beside what it gives."""
    scenario = SCENARIOS[0]
    found = [simulate(scenario, number).comparison["mAP50"] for number in range(studies)]
    true = truth(scenario)["mAP50"]
    simulated = {
        "candidate": true.candidate,
        "baseline": true.baseline,
        "image_error": float(np.mean([one.image_error for one in found])),
        "seed_error": float(np.mean([one.seed_error or 0.0 for one in found])),
    }
    return {"real": REAL, "simulated": simulated}
