"""Each flaw, planted in a clean experiment, is caught by its check and by no other."""

from __future__ import annotations

import math
import re
from collections.abc import Callable

import pytest

from promotion.audit import (
    AuditedRun,
    Experiment,
    OperatingFacts,
    RecallCounts,
    audit,
)
from promotion.audit.checks import CHECKS
from promotion.audit.experiment import Claim, Placement, Recalls
from promotion.comparison import MetricComparison, PolicyChanges, SplitFacts
from promotion.facts import Note
from promotion.paths import ROOT


def compared(**changes: object) -> MetricComparison:
    facts: dict[str, object] = {
        "metric": "mAP50",
        "candidate": 0.5,
        "baseline": 0.4,
        "difference": 0.1,
        "interval": (0.06, 0.14),
        "candidate_interval": (0.45, 0.55),
        "baseline_interval": (0.35, 0.45),
        "candidate_seed_sd": 0.01,
        "baseline_seed_sd": 0.01,
        "image_error": 0.02,
        "seed_error": 0.01,
        "probability_better": 0.99,
        "law": {"centre": 0.1, "scale": 0.02, "freedom": 1e6, "low": -1.0, "high": 1.0},
        "collapsed": [],
    }
    return MetricComparison.model_validate({**facts, **changes})


def run(imgsz: int, rate: str, seed: int, **changes: object) -> AuditedRun:
    name = f"yolov8n_e3_sz{imgsz}_lr{rate}_s{seed}"
    asked = {"epochs": "3", "imgsz": str(imgsz), "lr0": rate, "batch": "8", "optimizer": "SGD"}
    value = imgsz / 1000 + float(rate) + seed / 1000
    facts: dict[str, object] = {
        "name": name,
        "seed": seed,
        "asked": {**asked, "seed": str(seed)},
        "applied": asked,
        "metrics": {
            "mAP50": value,
            "mAP50-95": value / 2,
            "precision": 0.7,
            "recall": 0.6,
            "latency_p95_ms": 20.0,
        },
        "parameters": f"weights of {name}",
        "registrable": f"file of {name}",
        "measured": f"file of {name}",
        "dataset": "one",
        "code": "one",
        "stored": f"file of {name}",
        "hardware": "one",
        "images": 100,
        "detections": 420,
    }
    return AuditedRun.model_validate({**facts, **changes})


RUNS = [
    run(imgsz, rate, s) for imgsz in (320, 416) for rate in ("0.005", "0.01") for s in (1, 2, 3)
]
CLEAN = Experiment(
    name="clean",
    runs=RUNS,
    missing={},
    constraints={"latence faible": "latency_p95_ms", "stabilité": "seed_spread"},
    splits={
        "val": SplitFacts(images=100, persons=600),
        "test": SplitFacts(images=200, persons=1200, groups=200),
    },
    selected_on="val",
    claimed_on="test",
    claim=Claim(candidate=RUNS[-1].name, baseline=RUNS[0].name, comparison=[compared()]),
    operating=OperatingFacts(threshold=0.3, boxes_per_image=4.2, most_boxes=300),
    untrained=compared(baseline=0.3),
    overlaps=[],
    known_to_the_start=False,
    recalls={RUNS[-1].name: Recalls(val=0.6, test=0.5)},
    placements={RUNS[-1].name: Placement(strict=0.5, loose=0.6, val=0.6)},
    policy_changes=PolicyChanges(times=0, when="", rules=[], unknown=0),
    cut_groups=[],
    doubled_labels=[],
)


def changed(**changes: object) -> Experiment:
    return CLEAN.model_copy(update=changes)


def with_runs(change: Callable[[AuditedRun], dict[str, object]]) -> Experiment:
    return changed(runs=[one.model_copy(update=change(one)) for one in RUNS])


def without_rate(one: AuditedRun) -> dict[str, object]:
    return {"parameters": one.name.replace("lr0.01", "lr0.005")}


def without_seed(one: AuditedRun) -> dict[str, object]:
    return {"parameters": str(one.configuration)}


CHANGED = PolicyChanges(times=1, when="2026-01-01T00:00:00Z", rules=[], unknown=1)


def first_only(**values: object) -> Callable[[AuditedRun], dict[str, object]]:
    return lambda one: dict(values) if one is RUNS[0] else {}


NEARLY_SAME = Note(id="nearly_same", facts={"one": "test/a.jpg", "other": "train/b.jpg", "bits": 2})
FLAWS: list[tuple[str, Experiment]] = [
    (
        "independent-images",
        changed(splits={"test": SplitFacts(images=200, persons=1200, groups=8)}),
    ),
    ("parameter-effect", with_runs(without_rate)),
    (
        "parameter-effect",
        with_runs(
            lambda one: {
                "parameters": None,
                "metrics": {
                    **one.metrics,
                    "mAP50": (one.seed or 0) / 10,
                    "mAP50-95": int(one.asked["imgsz"]) / 1000,
                },
            }
        ),
    ),
    ("applied-as-requested", with_runs(lambda one: {"applied": {**one.applied, "lr0": "0.002"}})),
    (
        "applied-as-requested",
        with_runs(lambda one: {"applied": {}, "asked": {**one.asked, "optimizer": "auto"}}),
    ),
    ("measured-artifact", with_runs(first_only(measured="epoch 3", registrable="epoch 1"))),
    (
        "operating-point",
        changed(operating=OperatingFacts(threshold=0.3, boxes_per_image=300, most_boxes=300)),
    ),
    (
        "operating-point",
        changed(operating=OperatingFacts(threshold=1e-4, boxes_per_image=9, most_boxes=300)),
    ),
    (
        "operating-point",
        with_runs(lambda one: {"metrics": {**one.metrics, "precision": 0.008}}).model_copy(
            update={"operating": None}
        ),
    ),
    (
        "enough-images",
        changed(
            claim=CLEAN.claim
            and CLEAN.claim.model_copy(update={"comparison": [compared(image_error=0.2)]})
        ),
    ),
    (
        "enough-images",
        changed(counts=RecallCounts(candidate=24, baseline=22, persons=31, images=10)),
    ),
    ("untrained", changed(untrained=None)),
    ("untrained", changed(untrained=compared(baseline=0.6, probability_better=0.01))),
    ("overlap", changed(overlaps=[NEARLY_SAME])),
    ("pretraining", changed(known_to_the_start=True)),
    ("enough-seeds", changed(runs=[one for one in RUNS if one.seed != 3])),
    ("seed-effect", with_runs(without_seed)),
    ("metric-contract", with_runs(first_only(metrics={"mAP50": 0.4}, parameters="x"))),
    (
        "metric-contract",
        with_runs(lambda one: {"metrics": {**one.metrics, "mAP50": 100 * one.metrics["mAP50"]}}),
    ),
    ("complete-grid", changed(missing={"yolov8n_e3_sz512_lr0.01_s1": "out of memory"})),
    ("same-conditions", with_runs(first_only(dataset="another"))),
    ("same-conditions", with_runs(first_only(code="another"))),
    ("constraints", changed(constraints={"énergie limitée": "energy_wh"})),
    ("selection-split", changed(selected_on="test")),
    ("empty-run", with_runs(first_only(images=0))),
    ("empty-run", with_runs(first_only(detections=0))),
    ("empty-run", with_runs(first_only(plots=0))),
    ("metric-range", with_runs(first_only(metrics={**RUNS[0].metrics, "mAP50": math.nan}))),
    ("metric-range", with_runs(first_only(metrics={**RUNS[0].metrics, "recall": 1.7e308}))),
    ("metric-range", with_runs(first_only(metrics={**RUNS[0].metrics, "latency_p95_ms": -1.0}))),
    ("copied-metrics", with_runs(first_only(metrics=RUNS[-1].metrics))),
    ("same-hardware", with_runs(first_only(hardware="another"))),
    ("seed-balance", changed(runs=[one for one in RUNS if one is not RUNS[1]], planned=11)),
    ("artifact-intact", with_runs(first_only(stored="another file"))),
    ("threshold-transfer", changed(recalls={"a": Recalls(val=0.6, test=0.29)})),
    (
        "policy-frozen",
        changed(policy_changes=CHANGED),
    ),
    (
        "within-seeds",
        changed(
            claim=CLEAN.claim
            and CLEAN.claim.model_copy(update={"comparison": [compared(candidate_seed_sd=0.2)]})
        ),
    ),
    ("cut-group", changed(cut_groups=["clip 3"])),
    ("doubled-labels", changed(doubled_labels=["test/a.jpg"])),
    ("shifted-labels", changed(placements={"a": Placement(strict=0.05, loose=0.6, val=0.6)})),
]
# A run without most of its metrics cannot show its constraint either.
# A side without its seed has too few of them.
FOLLOWS = {("metric-contract", "constraints"), ("seed-balance", "enough-seeds")}


def test_all_checks_are_silent_on_a_clean_experiment() -> None:
    findings = audit(CLEAN)
    assert [one.id for one in findings if not one.passed] == []
    assert len(findings) == len(CHECKS)


@pytest.mark.parametrize(
    ("identity", "flawed"), FLAWS, ids=[f"{n}-{one[0]}" for n, one in enumerate(FLAWS)]
)
def test_a_planted_flaw_is_caught_by_its_check_alone(identity: str, flawed: Experiment) -> None:
    failed = [one.id for one in audit(flawed) if one.failed]
    assert identity in failed
    assert {one for one in failed if (identity, one) not in FOLLOWS} == {identity}


def test_every_check_is_tested_on_a_flaw_and_has_its_section_in_the_book() -> None:
    page = (ROOT / "book" / "audit.md").read_text(encoding="utf-8")
    known = {one.id for one in audit(CLEAN)}
    assert {identity for identity, _ in FLAWS} == known
    assert set(re.findall(r"^\(([a-z-]+)\)=$", page, re.MULTILINE)) == known


def test_what_is_not_known_is_said_to_be_unknown() -> None:
    bare = AuditedRun(name="a", seed=None, asked={}, applied={}, metrics={})
    unknown = Experiment(name="bare", runs=[bare], missing={}, constraints={})
    outcomes = {one.id: one.passed for one in audit(unknown)}
    assert outcomes["metric-contract"] is False
    for identity in ("same-conditions", "measured-artifact", "overlap", "selection-split"):
        assert outcomes[identity] is None
