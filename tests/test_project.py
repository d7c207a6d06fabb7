"""Promises about the repository itself."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, distributions, requires
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from promotion.paths import ROOT

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
PIN = re.compile(r"^([A-Za-z0-9_.-]+)==([^;\s]+)$")


@cache
def project() -> dict[str, object]:
    content = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    return dict(tomllib.loads(content)["project"])


def pins(requirements: list[str]) -> dict[str, str]:
    found = {}
    for requirement in requirements:
        match = PIN.match(requirement)
        assert match, f"{requirement} is not pinned with =="
        found[match[1].lower().replace("_", "-")] = match[2]
    return found


def direct() -> dict[str, str]:
    content = project()
    extras = content["optional-dependencies"]["dev"]  # type: ignore[index]
    return pins([*content["dependencies"], *extras])  # type: ignore[misc]


def exact() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return pins([line for line in lines if line and not line.startswith("#")])


def test_the_conda_environment_has_the_same_pins() -> None:
    content = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    pip = next(part["pip"] for part in content["dependencies"] if isinstance(part, dict))
    assert pins([line for line in pip if not line.startswith("--")]) == direct()


def test_the_constraints_hold_every_direct_pin() -> None:
    held = exact()
    assert {name: held.get(name) for name in direct()} == direct()


def test_the_constraints_hold_whatever_a_package_asks_for() -> None:
    """`pip install --require-hashes` stops at the first package that the exact set lacks."""
    held = {canonicalize_name(name) for name in exact()}
    for name in held:
        with suppress(PackageNotFoundError):
            for line in requires(name) or []:
                asked = Requirement(line)
                if asked.marker is None or asked.marker.evaluate({"extra": ""}):
                    assert canonicalize_name(asked.name) in held, f"{name} asks for {line}"


def test_every_pinned_package_takes_the_python_that_the_readme_asks_for() -> None:
    """One took 3.11.5: on Debian's 3.11.2 pip called the constraints a conflict."""
    oldest = re.search(r"Python (3\.\d+) or newer", (ROOT / "README.md").read_text("utf-8"))
    assert oldest is not None
    for installed in distributions():
        asked = SpecifierSet(",".join(installed.metadata.get_all("Requires-Python") or []))
        assert f"{oldest[1]}.0" in asked, f"{installed.name} takes Python {asked}"


@pytest.mark.parametrize(
    "command",
    [
        ["ruff", "check", "."],
        ["ruff", "format", "--check", "."],
        pytest.param(["mypy"], marks=pytest.mark.slow),
    ],
    ids=["ruff-check", "ruff-format", "mypy"],
)
def test_the_code_passes(command: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_folder_imports_from_one_that_comes_after_it_in_the_flow() -> None:
    """One import that goes up, and no folder can be understood without all the others."""
    program = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


def committed() -> list[Path]:
    listed = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "--cached", "--others", "--exclude-standard"],
        capture_output=True,
        text=True,
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]


def test_no_file_names_a_registry_s_host_or_a_path_of_one_machine() -> None:
    forbidden = re.compile(
        rb"pypi\.org|pythonhosted|file:///|/home/\w+/|/root/|" + rb"/wo" + rb"rk/"
    )
    for path in committed():
        if path.name != Path(__file__).name:
            assert not forbidden.search(path.read_bytes()), path


def test_the_license_is_the_affero_gpl() -> None:
    assert "GNU AFFERO GENERAL PUBLIC LICENSE" in (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert str(project()["license"]).startswith("AGPL-3.0")


def cells(path: Path) -> list[dict[str, Any]]:
    return list(json.loads(path.read_text(encoding="utf-8"))["cells"])


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_is_short_and_carries_no_output(path: Path) -> None:
    """A notebook tells a story; what has to be computed stands in the package, with its tests."""
    assert len(cells(path)) <= 25
    for cell in cells(path):
        if cell["cell_type"] == "code":
            assert cell["outputs"] == []
            assert cell["execution_count"] is None
            source = "".join(cell["source"])
            # What a notebook takes is a line each, and computes nothing.
            takes = "parameters" in cell["metadata"].get("tags", [])
            assert takes or len(source.splitlines()) <= 10, source


def test_every_folder_of_the_package_has_its_tests() -> None:
    """Whoever opens a folder finds its tests under the same name."""
    folders = {path.parent.name for path in (ROOT / "promotion").glob("*/__init__.py")}
    assert {name for name in folders if not list((ROOT / "tests" / name).glob("test_*.py"))} == (
        set()
    )


def test_no_test_leans_on_another() -> None:
    """A test module that is moved or deleted must take no other with it."""
    importing = re.compile(r"^(?:from|import) tests[.\w]*\.(?:test_\w+|conftest)\b", re.MULTILINE)
    for path in (ROOT / "tests").rglob("*.py"):
        assert not importing.search(path.read_text(encoding="utf-8")), path


def test_every_chapter_of_the_table_of_contents_exists() -> None:
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    files = [toc["root"], *(c["file"] for part in toc["parts"] for c in part["chapters"])]
    for name in files:
        assert list(ROOT.glob(f"{name}.*")), name
