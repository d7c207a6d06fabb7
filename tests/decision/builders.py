"""Planted studies: models whose true skill is known, seen on scenes, and the evidence of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd

from promotion.audit import audit, experiment_of
from promotion.comparison import (
    Evidence,
    FailedVariant,
    Ledger,
    RunFacts,
    SplitFacts,
    compare_slices,
    confirm,
    ledger_of,
    summarise,
)
from promotion.comparison.confirmation import bounds_on_test, seed_bounds
from promotion.decision import Decision, decide
from promotion.detection import Seen, diagnose, see
from promotion.metrics import Matches
from promotion.study import Policy
from tests.builders import Looked, evidence, opening, run

REPLICATES = 200
THRESHOLD = 0.3
SMALL, MEDIUM = 20.0, 60.0


def policy(*objectives: tuple[str, float], **changes: object) -> Policy:
    """A policy of these objectives (metric, smallest gain), else mAP@50 by 0.02 and recall."""
    named = objectives or (("mAP50", 0.02), ("recall", 0.05))
    asked = [{"metric": metric, "smallest_gain": gain} for metric, gain in named]
    return Policy.model_validate({"objectives": asked, **changes})


@cache
def scene(images: int, persons: int = 5) -> pd.DataFrame:
    """So many persons an image side by side, the first of them small."""
    place = np.tile(np.arange(persons), images)
    size = np.where(place == 0, SMALL, MEDIUM)
    return pd.DataFrame(
        {
            "image": np.repeat([f"{i:04d}.jpg" for i in range(images)], persons),
            "x0": 100.0 * place,
            "y0": 0.0,
            "x1": 100.0 * place + size,
            "y1": size,
        }
    )


@cache
def watch(
    seed: int,
    skill: float,
    small: float | None = None,
    images: int = 40,
    false: float = 0.3,
    bold: bool = False,
) -> Seen:
    """What a model sees that finds persons, and small ones, with these probabilities.

    `false` is the number of false boxes an image; where they are `bold`, as confident as others.
    """
    truth, luck = scene(images), np.random.default_rng(seed)
    is_small = (truth["y1"] == SMALL).to_numpy()
    chance = np.where(is_small, skill if small is None else small, skill)
    found = truth[luck.random(len(truth)) < chance]
    found = found.assign(confidence=luck.uniform(0.4, 1.0, len(found)))
    owner = np.flatnonzero(luck.random(images) < false)
    wrong = truth.iloc[owner * 5].assign(y0=500.0, y1=600.0)
    low, high = (0.4, 1.0) if bold else (0.1, 0.5)
    wrong = wrong.assign(confidence=luck.uniform(low, high, len(wrong)))
    return see(truth, pd.concat([found, wrong], ignore_index=True), THRESHOLD)


def seeds(first: int, skill: float, count: int = 3, **how: float | bool | None) -> list[Seen]:
    """The same model, trained from several seeds."""
    return [watch(first + seed, skill, **how) for seed in range(count)]  # type: ignore[arg-type]


def members(configuration: str, side: Sequence[Seen | Looked]) -> list[RunFacts]:
    """The runs of a configuration; val says of them what their images say."""
    facts = []
    for seed, seen in enumerate(side, start=1):
        told = run(configuration, seed, 0.5)
        if isinstance(seen, Seen):
            told = told.model_copy(update={"metrics": {**told.metrics, **seen.metrics()}})
        facts.append(told)
    return facts


def planted(
    ours: Sequence[Seen],
    theirs: Sequence[Seen],
    by: Policy,
    untrained: Seen | None = None,
    incumbent: Seen | None = None,
    failed: Sequence[str] = (),
    ledger: Ledger | None = None,
) -> Evidence:
    """What a study with these runs would leave for the decision, confirmed on their images."""
    runs = [*members("big", ours), *members("small", theirs)]
    seen = dict(zip((one.run_name for one in runs), [*ours, *theirs], strict=True))
    first = by.objectives[0].metric
    best = {
        side: max((r for r in runs if r.configuration == side), key=lambda r: r.metrics[first])
        for side in ("big", "small")
    }
    ledger = ledger or ledger_of([opening()], by)
    candidate = seen[best["big"].run_name]
    start = untrained or replace(
        candidate, detections=candidate.detections[:0], matches=_blind(candidate)
    )
    spread = {one.run_name: seen[one.run_name].metrics()[first] for one in members("big", ours)}
    test = SplitFacts(images=candidate.images, persons=int(candidate.matches.persons.sum()))
    measured = evidence().measured | bounds_on_test(candidate, 1 - ledger.level)
    return evidence(
        splits=dict.fromkeys(("train", "val", "test"), test),
        runs=runs,
        configurations=summarise(runs),
        failed=[FailedVariant(run_name=name, reason="failed", error="memory") for name in failed],
        candidate_run=best["big"].run_name,
        baseline_run=best["small"].run_name,
        test_metrics={name: one.metrics() for name, one in seen.items()},
        measured={**measured, "seed_spread": seed_bounds(spread, by.confidence)},
        comparison=confirm(ours, theirs, by, REPLICATES),
        slices=compare_slices(ours, theirs, pd.DataFrame(), by.confidence, REPLICATES),
        ledger=ledger,
        untrained={
            "name": "start",
            "person_class": "person",
            "val_metrics": start.metrics(),
            "test_metrics": start.metrics(),
            "comparison": confirm(ours, [start], by, REPLICATES),
        },
        incumbent=incumbent
        and {
            "version": "2",
            "run_name": "earlier",
            "test_metrics": incumbent.metrics(),
            "comparison": confirm([candidate], [incumbent], by, REPLICATES),
        },
        diagnoses={
            one.run_name: diagnose(seen[one.run_name], seen[one.run_name], by.operating_point)
            for one in best.values()
        },
        labels={"suspects": [], "comparison": []},
        confidence=by.confidence,
        replicates=REPLICATES,
    )


def _blind(seen: Seen) -> Matches:
    return see(seen.ground_truth, seen.detections[:0], seen.threshold).matches


def decided(found: Evidence, by: Policy) -> Decision:
    """The evidence, audited and decided as a study's is."""
    return decide(found, by, audit(experiment_of(found, by, "weights/start.pt")))


def reasons(decision: Decision) -> list[str]:
    """What made the verdict what it is."""
    return [one.id for one in decision.reasons]
