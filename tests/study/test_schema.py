"""A study names its pictures and its baseline without leaving anything open."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from promotion.errors import StudyError
from promotion.paths import ROOT
from promotion.study import load_study
from tests.builders import SMOKE


def fault(*overrides: str) -> str:
    with pytest.raises(StudyError) as caught:
        load_study(SMOKE, overrides)
    return str(caught.value)


@pytest.mark.parametrize("path", sorted((ROOT / "studies").glob("*.yaml")), ids=lambda p: p.stem)
def test_every_committed_study_is_valid(path: Path) -> None:
    study = load_study(path)
    assert study.name == path.stem
    assert study.baseline_configuration in study.configurations


@pytest.mark.parametrize(
    ("dataset", "cause"),
    [
        ("{source: folder}", "needs path"),
        ("{source: folder, path: x, train: 3}", "are the folder's own"),
        ("{source: street_scenes, train: 3}", "needs the sizes of val, test"),
        ("{source: street_scenes, path: x, train: 3, val: 3, test: 3}", "path is only for"),
    ],
)
def test_a_dataset_that_is_half_said_is_refused(dataset: str, cause: str) -> None:
    assert cause in fault(f"dataset={dataset}")


@pytest.mark.parametrize(
    ("dataset", "cause"),
    [
        ("{source: folder, images: 3}", "needs path"),
        ("{source: folder, path: x, images: 3}", "takes all its images"),
        ("{source: street_scenes}", "needs images"),
        ("{source: street_scenes, images: 3, path: x}", "takes no path"),
        ("{source: coco128_persons}", "needs images"),
    ],
)
def test_a_canary_s_pictures_that_are_half_said_are_refused(dataset: str, cause: str) -> None:
    assert cause in fault(f"canary.dataset={dataset}")


def test_the_canary_s_photographs_are_held_out_of_the_splits() -> None:
    """Told before a training, not after it, when the canary finds pictures that were seen."""
    study = ROOT / "studies" / "tp.yaml"
    rules = "margins: {recall: 0.1, precision: 0.1}, latency_p95_ms: 1000"

    def canary(dataset: str) -> str:
        return f"canary={{dataset: {{source: coco128_persons, {dataset}}}, {rules}}}"

    assert load_study(study, [canary("images: 1")]).canary is not None
    with pytest.raises(StudyError, match=r"62 photographs asked for .* has 61 with a person"):
        load_study(study, [canary("images: 2")])
    with pytest.raises(StudyError, match=r"give it dataset\.seed, 42"):
        load_study(study, [canary("images: 1, seed: 7")])
    assert load_study(SMOKE, [canary("images: 61, seed: 7")]).canary is not None


def test_a_name_that_no_folder_could_bear_is_refused() -> None:
    assert "name:" in fault("name=a/b")
    assert "model.name:" in fault("model.name='a b'")


@pytest.mark.parametrize(
    "name",
    ["", "Ana", "a/b", "a:b", "ana's", "-a", "person detector", "a.transition", "x" * 61],
)
def test_a_registered_name_that_a_registry_would_read_otherwise_is_refused(name: str) -> None:
    assert "model.registered_name:" in fault(f"model.registered_name={json.dumps(name)}")


def test_a_model_is_registered_under_the_name_that_the_study_gives_it() -> None:
    assert load_study(SMOKE).model.registered_name == "person-detector"
    named = load_study(SMOKE, ["model.registered_name=ana-2"])
    assert named.model.registered_name == "ana-2"


def test_a_study_cannot_be_changed_after_it_was_read() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load_study(SMOKE).name = "other"
