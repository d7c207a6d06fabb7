"""The lab's decision, read again from its published figures."""

from __future__ import annotations

import pytest

from promotion.audit import audit
from promotion.lab import lab_experiment, read_again
from promotion.report.sentences import finding_sentence


def test_the_lab_s_flaws_are_found_in_its_published_figures() -> None:
    """The page `La décision d’origine, relue` is this list; a check that fell silent empties it."""
    failed = {one.id: one for one in audit(lab_experiment()) if one.failed}
    assert set(failed) >= {
        "enough-images",
        "operating-point",
        "parameter-effect",
        "measured-artifact",
        "untrained",
        "pretraining",
        "selection-split",
    }
    assert "300,0" in finding_sentence(failed["operating-point"])
    twins = "yolov8n_e3_sz416_lr0.005_s42 = yolov8n_e3_sz416_lr0.01_s42"
    assert twins in finding_sentence(failed["parameter-effect"])


def test_the_lab_s_difference_is_two_persons_and_proves_nothing() -> None:
    again = read_again()
    assert (again.counts.candidate, again.counts.baseline, again.counts.persons) == (24, 22, 31)
    assert again.candidate_interval == pytest.approx((0.60, 0.89), abs=0.005)
    assert again.baseline_interval == pytest.approx((0.53, 0.84), abs=0.005)
    assert again.p_value == pytest.approx(0.77, abs=0.005)
    assert again.difference_interval[0] < 0 < again.difference_interval[1]
    assert again.boxes == 3000
    assert 700 < again.persons_needed < 740
