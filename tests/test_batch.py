from __future__ import annotations

import shutil
from pathlib import Path

import nbformat
import pytest

from promotion.errors import PromotionError
from promotion.execution import batch
from promotion.execution.batch import (
    check_backend,
    default_jobs,
    notebook_code,
    only_one,
    variant_step,
)
from promotion.paths import ROOT
from promotion.store import tracking
from promotion.study.loading import load_study
from promotion.study.schema import Study

SMOKE = ROOT / "studies" / "smoke.yaml"


def prints(study: Study, dataset: str = "d", start: str = "s") -> list[str]:
    return [variant_step(study, v, dataset, start).fingerprint for v in study.variants]


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
    monkeypatch.setattr(tracking, "library_versions", lambda: {"torch": "0"})
    assert not set(before) & set(prints(smoke))


def test_a_notebook_s_prose_is_not_its_code(tmp_path: Path) -> None:
    path = tmp_path / "2_train.ipynb"
    shutil.copy(batch.NOTEBOOKS["variant"], path)
    before = notebook_code(path)
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[0].source += "\n\nUne phrase de plus."
    nbformat.write(notebook, path)
    assert notebook_code(path) == before
    notebook.cells[-1].source += "\n1 + 1"
    nbformat.write(notebook, path)
    assert notebook_code(path) != before


def test_no_more_jobs_than_variants() -> None:
    assert default_jobs(1) == 1
    assert default_jobs(10_000) >= 1


def test_two_batches_do_not_share_a_home(tmp_path: Path) -> None:
    with (
        only_one(tmp_path),
        pytest.raises(PromotionError, match="another `promotion`"),
        only_one(tmp_path),
    ):
        pass
    with only_one(tmp_path):
        pass


def test_a_back_end_that_is_not_installed_is_named() -> None:
    check_backend("loky")
    with pytest.raises(PromotionError, match=r"pip install 'promotion\[ray\]'"):
        check_backend("ray")


def test_the_tracking_server_of_the_environment_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert tracking.tracking_uri(tmp_path).startswith("sqlite:///")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:5000")
    assert tracking.tracking_uri(tmp_path) == "http://127.0.0.1:5000"
