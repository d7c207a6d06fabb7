"""What the report's tests build: a publication of evidence, and a registration."""

from __future__ import annotations

from typing import Any

from promotion.audit import audit, experiment_of
from promotion.comparison import Evidence
from promotion.decision import decide
from promotion.registry.parity import Parity
from promotion.registry.registration import Registration
from promotion.report.publication import Publication, publish
from tests.builders import POLICY


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
