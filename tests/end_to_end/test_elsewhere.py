"""The same notebooks elsewhere: against a tracking server, and by hand in Jupyter."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from promotion.paths import ROOT
from tests.builders import MlflowServer, clean_environment, promotion
from tests.end_to_end.builders import STUDY

pytestmark = [pytest.mark.end_to_end, pytest.mark.trial]


def test_the_same_notebooks_run_against_a_tracking_server(
    server: MlflowServer, tmp_path: Path
) -> None:
    """A team shares one store; nothing may lean on its files being on this machine."""
    home = tmp_path / "home"
    done = promotion("report", *STUDY, home=home, MLFLOW_TRACKING_URI=server.uri)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (home / "decision.json").exists()
    assert (home / "book" / "index.html").exists()
    assert not (home / "mlflow.db").exists()
    assert not (home / "artifacts").exists()


def test_the_notebooks_run_by_hand_from_top_to_bottom(changing_home: Path) -> None:
    environment = {**clean_environment(), "PROMOTION_HOME": str(changing_home)}
    command = [sys.executable, "-m", "pytest", "--nbval-lax", "notebooks", "-q"]
    done = subprocess.run(
        [*command, "-p", "no:cacheprovider"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-4000:]
