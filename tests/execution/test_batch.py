"""Nothing is trained twice, and nothing at the same time as another batch."""

from __future__ import annotations

from pathlib import Path

import pytest

from promotion.errors import PromotionError
from promotion.execution import batch, default_jobs, only_one, variant_steps
from promotion.steps import STEPS
from promotion.store import Role, Tag
from promotion.study import Study, load_study
from tests.builders import SMOKE

NOTEBOOK = STEPS[Role.VARIANT].path


def prints(study: Study, dataset: str = "d", start: str = "s") -> list[str]:
    return [step.fingerprint for step in variant_steps(study, NOTEBOOK, dataset, start)]


def test_each_variant_has_a_fingerprint_of_its_own_and_keeps_it(smoke: Study) -> None:
    assert len(set(prints(smoke))) == len(smoke.variants)
    assert prints(smoke) == prints(load_study(SMOKE))


@pytest.mark.parametrize(
    "override",
    [
        "training.momentum=0.8",
        "grid.lr0=[0.02]",
        "policy.operating_point={rule: recall_floor, floor: 0.5}",
    ],
)
def test_whatever_changes_a_result_changes_the_fingerprint(smoke: Study, override: str) -> None:
    assert not set(prints(smoke)) & set(prints(load_study(SMOKE, [override])))


def test_another_dataset_or_start_changes_the_fingerprint(smoke: Study) -> None:
    assert not set(prints(smoke)) & set(prints(smoke, dataset="e"))
    assert not set(prints(smoke)) & set(prints(smoke, start="t"))


@pytest.mark.parametrize("override", ["policy.confidence=0.9", "name=other", "baseline.imgsz=160"])
def test_the_policy_trains_nothing_anew(smoke: Study, override: str) -> None:
    assert prints(smoke) == prints(load_study(SMOKE, [override]))


def test_another_library_version_changes_the_fingerprint(
    smoke: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = prints(smoke)
    monkeypatch.setattr(batch, "library_versions", lambda: {"torch": "0"})
    assert not set(before) & set(prints(smoke))


def test_no_more_jobs_than_variants() -> None:
    assert default_jobs(1) == 1
    assert default_jobs(10_000) >= 1


def test_two_batches_do_not_share_a_home(tmp_path: Path) -> None:
    with (
        only_one(tmp_path),
        pytest.raises(PromotionError, match="holds"),
        only_one(tmp_path),
    ):
        pass
    with only_one(tmp_path):
        pass


def test_what_a_killed_batch_left_half_way_is_removed(tmp_path: Path) -> None:
    (tmp_path / "scratch" / "run").mkdir(parents=True)
    with only_one(tmp_path):
        assert not (tmp_path / "scratch").exists()


def test_a_step_carries_what_its_run_is_found_by(smoke: Study) -> None:
    for step, variant in zip(variant_steps(smoke, NOTEBOOK, "d", "s"), smoke.variants, strict=True):
        assert step.name == variant.run_name
        assert step.parameters == variant.parameters
        assert step.tags[Tag.CONFIGURATION] == variant.configuration
        assert (step.tags[Tag.DATASET_DIGEST], step.tags[Tag.START_SHA256]) == ("d", "s")
