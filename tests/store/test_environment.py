"""A result says by which code, on which machine and with which libraries it was made."""

from __future__ import annotations

import subprocess
from importlib.metadata import version
from pathlib import Path

import pytest

from promotion.store import code_version, environment, hardware, library_versions


def test_the_machine_is_told_on_one_line() -> None:
    assert "GiB" in hardware()
    assert "\n" not in hardware()


def test_every_library_that_can_change_a_result_has_its_installed_version() -> None:
    found = library_versions()
    assert {"torch", "ultralytics", "onnxruntime", "numpy"} <= set(found)
    assert found["numpy"] == version("numpy")


def test_a_checkout_with_changes_is_told_apart_from_its_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def git(*order: str) -> None:
        who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
        subprocess.run(["git", "-C", str(tmp_path), *who, *order], check=True, capture_output=True)

    monkeypatch.setattr(environment, "ROOT", tmp_path)
    git("init")
    (tmp_path / "a.py").write_text("1")
    git("add", ".")
    git("commit", "-m", "one")
    commit = code_version()
    (tmp_path / "a.py").write_text("2")
    assert code_version() == f"{commit}+"


def test_without_git_the_package_s_version_stands_for_the_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "ROOT", tmp_path / "nowhere")
    assert code_version() == version("promotion")
