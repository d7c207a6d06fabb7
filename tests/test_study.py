from __future__ import annotations

from pathlib import Path

import pytest

from promotion.errors import StudyError
from promotion.paths import ROOT
from promotion.study.loading import load_study

SMOKE = ROOT / "studies" / "smoke.yaml"


def fault(*overrides: str) -> str:
    with pytest.raises(StudyError) as caught:
        load_study(SMOKE, overrides)
    return str(caught.value)


@pytest.mark.parametrize("path", sorted((ROOT / "studies").glob("*.yaml")), ids=lambda p: p.stem)
def test_every_committed_study_is_valid(path: Path) -> None:
    study = load_study(path)
    assert study.name == path.stem
    assert study.baseline_configuration in study.configurations


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


def test_an_unknown_key_is_named_with_the_nearest_allowed_one() -> None:
    message = fault("grid.imgz=[96]")
    assert "grid.imgz: unknown key; did you mean imgsz?" in message
    assert "allowed: epochs, imgsz, lr0, seed, batch, optimizer" in message


def test_an_unknown_key_in_a_list_of_gates_is_named() -> None:
    message = fault("policy.gates=[{measure: recall, at_lest: 0.5}]")
    assert "policy.gates[0].at_lest: unknown key; did you mean at_least?" in message


def test_a_wrong_type_says_what_was_found() -> None:
    message = fault("grid.epochs=[three]")
    assert "grid.epochs[0]:" in message
    assert "found 'three'" in message


def test_an_empty_grid_is_refused() -> None:
    assert "grid.lr0:" in fault("grid.lr0=[]")


def test_an_image_size_off_the_stride_gets_the_nearest_one() -> None:
    assert "grid.imgsz[1]: 415 is not a multiple of 32 (try 416)" in fault("grid.imgsz=[96, 415]")


def test_a_baseline_outside_the_grid_names_what_is_allowed() -> None:
    message = fault("baseline.imgsz=64")
    assert "baseline.imgsz: 64 is not in the grid (allowed: [96, 160])" in message


def test_a_baseline_that_leaves_a_choice_open_is_refused() -> None:
    assert "baseline.lr0 is missing: choose one of [0.01, 0.1]" in fault("grid.lr0=[0.01, 0.1]")


def test_a_gate_has_exactly_one_limit() -> None:
    assert "exactly one limit" in fault("policy.gates=[{measure: recall}]")


def test_every_fault_has_a_line() -> None:
    assert len(fault("grid.imgz=[96]", "policy.confidence=2").splitlines()) == 2


def test_a_missing_file_names_the_studies_there_are() -> None:
    with pytest.raises(StudyError, match=r"studies/default\.yaml"):
        load_study(Path("studies/nothing.yaml"))


def test_broken_yaml_names_the_line(tmp_path: Path) -> None:
    path = tmp_path / "broken.yaml"
    path.write_text("name: a\ngrid: [1, 2\n")
    with pytest.raises(StudyError, match="not YAML at line"):
        load_study(path)


@pytest.mark.parametrize("override", ["grid.seed", "name.x.y=1", "grid.seed=[1"])
def test_a_malformed_override_is_explained(override: str) -> None:
    assert "--set" in fault(override)


@pytest.mark.parametrize(
    ("gates", "cause"),
    [
        ("[{measure: recall, at_least: 0.9}, {measure: recall, at_most: 0.5}]", "cannot be at"),
        ("[{measure: recall, at_least: 1.2}]", "cannot reach 1.2"),
        ("[{measure: energy_wh, at_most: -1}]", "cannot reach -1"),
        ("[{measure: recall, at_least: 0.1}, {measure: recall, at_least: 0.2}]", "twice"),
        ("[{measure: seed_spread, at_most: 0.1}]", "single grid.seed"),
        ("[{measure: precision, at_least: 0.8}]", "raise its floor"),
    ],
)
def test_gates_that_make_no_sense_are_refused_in_one_line(gates: str, cause: str) -> None:
    aim = "policy.operating_point={rule: precision_floor, floor: 0.7}"
    with pytest.raises(StudyError, match=cause) as refused:
        load_study(SMOKE, ["grid.seed=[1]", f"policy.gates={gates}", aim])
    assert "\n" not in str(refused.value)
