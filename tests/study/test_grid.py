"""The grid says what is trained; a study that could compare nothing is refused."""

from __future__ import annotations

import pytest

from promotion.errors import StudyError
from promotion.paths import ROOT
from promotion.study import load_study
from tests.builders import SMOKE


def fault(*overrides: str) -> str:
    with pytest.raises(StudyError) as caught:
        load_study(SMOKE, overrides)
    return str(caught.value)


def test_the_embedded_study_has_eight_variants_two_configurations_three_seeds() -> None:
    study = load_study(ROOT / "studies" / "default.yaml")
    assert len(study.variants) >= 8
    assert len(study.configurations) >= 2
    assert len(study.grid.seed) >= 3


def test_the_lab_s_grid_and_its_names() -> None:
    study = load_study(ROOT / "studies" / "tp.yaml")
    assert len(study.variants) == 8
    names = [variant.run_name for variant in study.variants]
    assert "yolov8n_e3_sz416_lr0.01_s42" in names
    assert study.baseline_configuration == "yolov8n_e3_sz320_lr0.005"


def test_a_swept_optimizer_stands_in_the_name() -> None:
    study = load_study(SMOKE, ["grid.optimizer=[SGD, AdamW]", "baseline.optimizer=SGD"])
    assert len({variant.run_name for variant in study.variants}) == len(study.variants) == 8


def test_each_seed_has_the_split_seed_in_its_place() -> None:
    study = load_study(SMOKE, ["grid.seed=[1, 2]", "grid.split_seed=[7, 8]"])
    names = [variant.run_name.removeprefix("yolov8n_e1_") for variant in study.variants]
    assert names[:2] == ["sz96_lr0.002_s1_split7", "sz96_lr0.002_s2_split8"]
    assert len(names) == 4
    assert len(study.configurations) == 2
    assert study.variants[1].parameters["split_seed"] == 8


def test_without_split_seeds_names_and_parameters_are_what_they_were() -> None:
    variant = load_study(SMOKE).variants[0]
    assert variant.run_name == "yolov8n_e1_sz96_lr0.002_s1"
    assert "split_seed" not in variant.parameters


def test_split_seeds_that_do_not_go_with_the_seeds_are_refused() -> None:
    message = fault("grid.seed=[1, 2, 3]", "grid.split_seed=[7, 8]")
    assert "split_seed: 2 for 3 values of seed; the nth goes with the nth seed" in message
    assert "split_seed names a value twice" in fault("grid.seed=[1, 2]", "grid.split_seed=[7, 7]")


def test_the_splits_of_a_folder_are_its_own() -> None:
    own = "dataset={source: folder, path: /data}"
    message = fault(own, "grid.seed=[1, 2]", "grid.split_seed=[7, 8]")
    assert (
        "grid.split_seed: the splits of source 'folder' are its own; remove split_seed" in message
    )
    assert "\n" not in message


def test_an_empty_grid_is_refused() -> None:
    assert "grid.lr0:" in fault("grid.lr0=[]")


def test_an_image_size_off_the_stride_gets_the_nearest_one() -> None:
    assert "grid.imgsz[1]: 415 is not a multiple of 32 (try 416)" in fault("grid.imgsz=[96, 415]")


def test_a_baseline_outside_the_grid_names_what_is_allowed() -> None:
    message = fault("baseline.imgsz=64")
    assert "baseline.imgsz: 64 is not in the grid (allowed: [96, 160])" in message


def test_a_baseline_that_leaves_a_choice_open_is_refused() -> None:
    assert "baseline.lr0 is missing: choose one of [0.01, 0.1]" in fault("grid.lr0=[0.01, 0.1]")


def test_a_swept_batch_stands_in_the_name() -> None:
    study = load_study(SMOKE, ["grid.batch=[4, 8]", "baseline.batch=4"])
    assert len({variant.run_name for variant in study.variants}) == len(study.variants) == 8


def test_a_value_named_twice_would_train_one_variant_twice_and_is_refused() -> None:
    assert "seed names a value twice" in fault("grid.seed=[1, 1]")


def test_a_grid_with_nothing_beside_the_baseline_is_refused() -> None:
    assert "it holds the baseline alone" in fault("grid.imgsz=[96]")


def test_a_configuration_s_seeds_stay_together_in_the_batch() -> None:
    study = load_study(SMOKE)
    names = [variant.configuration for variant in study.variants]
    assert names == sorted(names, key=study.configurations.index)


def test_a_notebook_s_parameters_name_the_variant_as_the_study_does() -> None:
    study = load_study(SMOKE)
    for variant in study.variants:
        assert study.variant(**variant.parameters) == variant
