"""A fault in a study file is told in one line that names the key and the mend."""

from __future__ import annotations

from pathlib import Path

import pytest

from promotion.errors import StudyError
from promotion.paths import ROOT
from promotion.study import load_study
from tests.builders import SMOKE

STUDIES = sorted((ROOT / "studies").glob("*.yaml"))


def fault(*overrides: str) -> str:
    with pytest.raises(StudyError) as caught:
        load_study(SMOKE, overrides)
    return str(caught.value)


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_each_study_here_loads_and_bears_the_name_of_its_file(path: Path) -> None:
    assert load_study(path).name == path.stem


def test_the_embedded_study_lets_no_detector_pass_that_misses_most_persons() -> None:
    gates = {
        gate.measure: gate for gate in load_study(ROOT / "studies" / "default.yaml").policy.gates
    }
    assert (gates["recall"].at_least or 0) >= 0.5
    assert gates["recall"].certainty == "bound"
    assert (gates["precision"].at_least or 0) >= 0.6


def test_an_unknown_key_is_named_with_the_nearest_allowed_one() -> None:
    message = fault("grid.imgz=[96]")
    assert "grid.imgz: unknown key; did you mean imgsz?" in message
    assert "allowed: epochs, imgsz, lr0, seed, split_seed, batch, optimizer" in message


def test_an_unknown_key_in_a_list_of_gates_is_named() -> None:
    message = fault("policy.gates=[{measure: recall, at_lest: 0.5}]")
    assert "policy.gates[0].at_lest: unknown key; did you mean at_least?" in message


def test_a_wrong_type_says_what_was_found() -> None:
    message = fault("grid.epochs=[three]")
    assert "grid.epochs[0]:" in message
    assert "found 'three'" in message


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
