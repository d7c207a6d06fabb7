"""What the audit looks at: the experiment behind a study's evidence, and what its start knew."""

from __future__ import annotations

import pytest

from promotion.audit import Finding, audit, experiment_of, known_to_the_start
from promotion.comparison import Evidence, FailedVariant
from promotion.facts import Note
from tests.builders import POLICY, evidence


def audited(found: Evidence) -> list[Finding]:
    return audit(experiment_of(found, POLICY, "weights.pt"))


def test_the_evidence_of_a_clean_study_passes_every_check_that_can_be_made() -> None:
    """A false alarm would reject every study that this product makes."""
    assert [check.id for check in audited(evidence()) if check.failed] == []


def test_the_evidence_carries_what_the_audit_needs() -> None:
    """A fact that got lost on the way would make its check pass, whatever the flaw."""
    runs = evidence().runs
    twins = [one.model_copy(update={"parameters_sha256": "same"}) for one in runs]
    other = [one.model_copy(update={"measured_sha256": "other"}) for one in runs]
    mixed = [*runs[1:], runs[0].model_copy(update={"dataset_digest": "other"})]
    unlike = [
        one.model_copy(update={"params": {**one.params, "applied_lr0": "0.002"}}) for one in runs
    ]
    failed = [FailedVariant(run_name="big_s4", reason="failed", error="out of memory")]
    alike = Note(id="nearly_same", facts={"one": "a.jpg", "other": "b.jpg", "bits": 1})
    for identity, changes in (
        ("parameter-effect", {"runs": twins}),
        ("measured-artifact", {"runs": other}),
        ("same-conditions", {"runs": mixed}),
        ("applied-as-requested", {"runs": unlike}),
        ("complete-grid", {"failed": failed}),
        ("overlap", {"dataset_findings": [alike]}),
    ):
        assert identity in [check.id for check in audited(evidence(**changes)) if check.failed]


def test_a_variant_without_an_error_is_missing_for_its_reason() -> None:
    absent = FailedVariant(run_name="big_s4", reason="absent")
    found = experiment_of(evidence(failed=[absent]), POLICY, "weights.pt")
    assert found.missing == {"big_s4": "absent"}


@pytest.mark.parametrize(
    ("source", "weights", "known"),
    [
        ("coco128_persons", "yolov8n.pt", True),
        ("coco128_persons", "weights/street_day_yolov8n.pt", False),
        ("coco128_persons", "/data/mine.pt", None),
        ("street_scenes", "yolov8n.pt", False),
        ("folder", "weights/street_day_yolov8n.pt", False),
        ("folder", "yolov8n.pt", None),
    ],
)
def test_what_the_start_has_seen_is_told_where_it_is_known(
    source: str, weights: str, known: bool | None
) -> None:
    assert known_to_the_start(source, weights) is known
