"""A result is kept while the code that it rests on is the same, and not a change longer."""

from __future__ import annotations

import shutil
from pathlib import Path

import nbformat
import pytest

from promotion.code import PACKAGE, closure
from promotion.execution.fingerprint import (
    SHOWS,
    fingerprint,
    measuring_code,
    notebook_source,
    showing_code,
)
from promotion.paths import ROOT
from promotion.steps import STEPS
from promotion.store import Role

pytestmark = pytest.mark.slow

TRAINING = STEPS[Role.VARIANT].path
RESTS_ON = closure(notebook_source(TRAINING), without=SHOWS)
# What a training measures with, whoever imports it from where.
MEASURES_WITH = (
    "checksums.py",
    "code.py",
    "datasets/integrity.py",
    "datasets/manifest.py",
    "datasets/preparation.py",
    "datasets/records.py",
    "datasets/yolo.py",
    "detection/detector.py",
    "detection/evaluation.py",
    "detection/matching.py",
    "detection/seen.py",
    "metrics.py",
    "store/tracking.py",
    "study/grid.py",
    "study/schema.py",
    "training/checkpoints.py",
    "training/energy.py",
    "training/trainer.py",
    "training/variant.py",
)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package, to be changed file by file."""
    place = tmp_path_factory.mktemp("copy") / "promotion"
    shutil.copytree(PACKAGE, place, ignore=shutil.ignore_patterns("__pycache__"))
    return place


def code_of(package: Path) -> str:
    measuring_code.cache_clear()
    return measuring_code(TRAINING, package)


def changed(file: Path, package: Path) -> str:
    """The digest of the code while this file says something else."""
    content = file.read_bytes()
    file.write_bytes(content + b"\nCHANGED = True\n")
    try:
        return code_of(package)
    finally:
        file.write_bytes(content)


def test_a_training_rests_on_all_that_it_measures_with() -> None:
    names = {path.relative_to(PACKAGE).as_posix() for path in RESTS_ON}
    assert set(MEASURES_WITH) <= names
    assert not any(name.startswith("report/") for name in names)


@pytest.mark.parametrize("file", RESTS_ON, ids=lambda f: f.relative_to(PACKAGE).as_posix())
def test_a_change_of_any_file_that_a_training_rests_on_trains_anew(file: Path, copy: Path) -> None:
    before = code_of(copy)
    assert changed(copy / file.relative_to(PACKAGE), copy) != before
    assert code_of(copy) == before


@pytest.mark.parametrize(
    "name",
    [
        "report/plots/choice.py",
        "report/words.py",
        "cli.py",
        "decision/decision.py",
        "registry/parity.py",
    ],
)
def test_what_only_shows_or_comes_later_trains_nothing_anew(name: str, copy: Path) -> None:
    assert changed(copy / name, copy) == code_of(copy)


def test_a_new_import_brings_its_file_in(copy: Path) -> None:
    helper, user = copy / "helper.py", copy / "detection" / "matching.py"
    content = user.read_text(encoding="utf-8")
    helper.write_text("ONE = 1\n")
    user.write_text(f"{content}\nfrom promotion.helper import ONE\n", encoding="utf-8")
    try:
        before = code_of(copy)
        helper.write_text("ONE = 2\n")
        assert code_of(copy) != before
    finally:
        user.write_text(content, encoding="utf-8")
        helper.unlink()


def test_a_page_that_shows_follows_the_report_and_its_templates(copy: Path) -> None:
    templates = copy.parent / "templates"
    shutil.copytree(ROOT / "book" / "templates", templates)

    def shown() -> str:
        showing_code.cache_clear()
        return showing_code(STEPS[Role.DECISION].path, templates, copy)

    seen = {shown()}
    template = next(templates.glob("*.j2"))
    template.write_text("another")
    seen.add(shown())
    tables = copy / "report" / "tables.py"
    content = tables.read_bytes()
    tables.write_bytes(content + b"#")
    seen.add(shown())
    tables.write_bytes(content)
    assert len(seen) == 3


def test_a_notebook_s_prose_is_not_its_code(tmp_path: Path) -> None:
    path = tmp_path / "2_train.ipynb"
    shutil.copy(TRAINING, path)
    before = notebook_source(path), fingerprint(Role.VARIANT, path, "code")
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[0].source += "\n\nUne phrase de plus."
    nbformat.write(notebook, path)
    assert (notebook_source(path), fingerprint(Role.VARIANT, path, "code")) == before
    notebook.cells[-1].source += "\n1 + 1"
    nbformat.write(notebook, path)
    assert fingerprint(Role.VARIANT, path, "code") != before[1]


def test_role_code_and_every_fact_are_part_of_the_identity() -> None:
    prints = {
        fingerprint(Role.VARIANT, TRAINING, "code", dataset="d"),
        fingerprint(Role.DATASET, TRAINING, "code", dataset="d"),
        fingerprint(Role.VARIANT, TRAINING, "other", dataset="d"),
        fingerprint(Role.VARIANT, TRAINING, "code", dataset="e"),
        fingerprint(Role.VARIANT, STEPS[Role.DATASET].path, "code", dataset="d"),
    }
    assert len(prints) == 5
