"""What the report's tests build: a publication of evidence, and a canary that ended."""

from __future__ import annotations

from typing import Any

from promotion.audit import audit, experiment_of
from promotion.canary import CRITERIA, CanaryResult, CanaryVerdict
from promotion.comparison import Evidence
from promotion.decision import decide
from promotion.paths import ROOT
from promotion.registry.parity import Parity
from promotion.registry.registration import Registration
from promotion.report.publication import Publication, publish
from promotion.study import Study, load_study
from tests.builders import POLICY

STUDY: Study = load_study(ROOT / "studies" / "default.yaml").model_copy(update={"policy": POLICY})
STATES = {"go": "held", "stop": "broken", "continue": "open"}


def published(found: Evidence, *came: Any) -> Publication:
    """What is published of evidence, audited and decided as a study's is; `came` came of it."""
    checks = audit(experiment_of(found, POLICY, "weights.pt"))
    return publish(decide(found, POLICY, checks), found, *came)


def registration(number: str | None = "3") -> Registration:
    """A version that sees what its checkpoint sees."""
    parity = Parity(
        images=8,
        boxes=50,
        share=1.0,
        median_iou=1.0,
        largest_confidence_gap=0.001,
        checkpoint_map=0.5,
        registered_map=0.499,
    )
    return Registration(decision_run="decided", version=number, parity=parity if number else None)


def canary(verdict: CanaryVerdict, **changes: object) -> CanaryResult:
    """A canary that ended so after one look, by its first criterion alone."""
    criteria = [
        {
            "name": name,
            "value": 0.02,
            "bounds": (-0.1, 0.1),
            "limit": -0.1,
            "evidence_for": 1.0,
            "evidence_against": 0.0,
            "state": "held" if number else STATES[verdict],
            "units": 30,
        }
        for number, name in enumerate(CRITERIA)
    ]
    side = {"recall": 0.7, "precision": 0.8, "latency_p50_ms": 10.0, "latency_p95_ms": 20.0}
    facts: dict[str, object] = {
        "verdict": verdict,
        "version": "3",
        "challenger": "person-detector v3",
        "champion": "person-detector v2",
        "champion_version": "2",
        "dataset_source": "street_scenes",
        "dataset_digest": "c" * 64,
        "dataset_findings": [],
        "images_available": 120,
        "looks": [{"images": 30, "persons": 90, "criteria": criteria, "verdict": verdict}],
        "images_needed": 200 if verdict == "continue" else None,
        "metrics": {"challenger": side, "champion": side},
        "rules": STUDY.canary,
        "confidence": 0.95,
        "hardware": "a processor × 2, 24 GiB",
    }
    return CanaryResult.model_validate({**facts, **changes})
