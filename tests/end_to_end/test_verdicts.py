"""The repository's own studies end as they say: with each of the three verdicts, honestly."""

from __future__ import annotations

from pathlib import Path

import pytest

from promotion.decision import EXIT_CODES, Verdict
from promotion.paths import ROOT
from tests.builders import promotion
from tests.end_to_end.builders import published

pytestmark = [pytest.mark.end_to_end, pytest.mark.trial]


def test_the_default_study_ends_with_a_detector_worth_promoting(tmp_path: Path) -> None:
    done = promotion("report", home=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    decision = published(tmp_path)
    assert (decision.verdict, decision.place) == ("promote", "production")
    assert decision.canary is not None
    assert decision.canary.verdict == "go"
    candidate, baseline = decision.candidate.metrics, decision.baseline.metrics
    # 0.61 where it was measured; another processor trains other weights of like quality.
    assert candidate["recall"] >= 0.57
    assert candidate["precision"] >= 0.7
    # A study is worth reading while its configurations differ, and none of them is perfect.
    assert baseline["mAP50"] + 0.02 < candidate["mAP50"] < 0.9


@pytest.mark.parametrize(
    ("name", "verdict"), [("small_pictures", "reject"), ("one_more_epoch", "inconclusive")]
)
def test_the_small_studies_end_without_a_promotion(
    name: str, verdict: Verdict, tmp_path: Path
) -> None:
    study = ("--study", str(ROOT / "studies" / f"{name}.yaml"))
    done = promotion("report", *study, home=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    decision = published(tmp_path)
    assert (decision.verdict, decision.place, decision.canary) == (verdict, "none", None)
    assert promotion("check", *study, home=tmp_path).returncode == EXIT_CODES[verdict]
