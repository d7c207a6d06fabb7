"""What a command finds around it: no home folder, no UTF-8, no input, nobody who reads it."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from promotion.paths import ROOT
from tests.builders import clean_environment, invoke, promotion
from tests.faults.builders import STUDY

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a POSIX shell's surroundings")
PROGRAM = [sys.executable, "-m", "promotion"]
# Neither to be written to nor to be made.
NOWHERE = "/proc/nowhere"


def in_shell(command: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a shell's command, in which `"$@"` stands for promotion with these arguments."""
    kept = {key: value for key, value in clean_environment().items() if not key.startswith("LC_")}
    return subprocess.run(
        ["bash", "-c", command, "bash", *PROGRAM, *arguments],
        cwd=ROOT,
        env={**kept, **environment},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )


@pytest.mark.slow
def test_a_decision_needs_no_home_folder_no_utf_8_and_no_input(undecided: Path) -> None:
    done = in_shell(
        'umask 077; exec "$@" <&-',
        *("decide", *STUDY, "--home", str(undecided)),
        HOME=NOWHERE,
        LC_ALL="C",
        LANG="C",
    )
    assert done.returncode == 0, done.stderr
    assert "verdict: " in done.stdout
    document = undecided / "decision.md"
    assert stat.S_IMODE(document.stat().st_mode) == 0o600
    assert "Décision" in document.read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("command", ['"$@" | head -1', '"$@" | true'])
def test_a_reader_who_leaves_is_no_error(command: str, registry_home: Path) -> None:
    done = in_shell(command, "status", "--home", str(registry_home))
    assert done.stderr == ""
    assert "production: version 2" in invoke("status", home=registry_home).output


@pytest.mark.slow
def test_a_closed_output_stops_no_transition(registry_home: Path) -> None:
    done = in_shell('exec "$@" >&- 2>&-', "rollback", "--home", str(registry_home))
    assert done.returncode == 0
    assert "production: version 1" in invoke("status", home=registry_home).output


@pytest.mark.slow
def test_a_temporary_folder_that_is_none_is_named(undecided: Path) -> None:
    done = promotion("decide", *STUDY, home=undecided, TMPDIR=NOWHERE)
    # Python takes the system's own in its place.
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("place", ["", "mlflow.db", "datasets"])
def test_a_file_or_a_folder_in_the_way_is_named(place: str, tmp_path: Path) -> None:
    home = tmp_path / "home"
    way = home / place
    way.parent.mkdir(exist_ok=True)
    if place == "mlflow.db":
        way.mkdir(parents=True)
    else:
        way.write_text("in the way")
    done = invoke("decide", *STUDY, home=home)
    assert done.exit_code == 1
    (line,) = done.stderr.splitlines()
    assert str(way) in line
    assert "move it" in line
