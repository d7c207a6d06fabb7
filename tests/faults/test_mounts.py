"""A disk that is full, and one that may only be read, mounted for the purpose."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from promotion.registry import aliases, history
from tests.builders import invoke, promotion, registry_of
from tests.faults.builders import STUDY, error_of, finishes, standing

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="Windows mounts by other means"),
]
MIB = 2**20


@contextmanager
def mounted(place: Path, *how: str) -> Iterator[None]:
    """Mount something at a place for a while; where that is refused, the test is skipped."""
    place.mkdir(exist_ok=True)
    done = subprocess.run(["mount", *how, str(place)], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"mounting is refused here: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


@contextmanager
def small_disk(home: Path, place: Path, free: int) -> Iterator[Path]:
    """A copy of a home on a disk with so many bytes free, and the file that fills it."""
    size = sum(path.stat().st_size for path in home.rglob("*") if path.is_file())
    with mounted(place, "-t", "tmpfs", "-o", f"size={2 * size + 8 * MIB}", "none"):
        shutil.copytree(home, place, dirs_exist_ok=True, symlinks=True)
        ballast = place / "ballast"
        with ballast.open("wb") as file:
            file.write(bytes(max(0, shutil.disk_usage(place).free - free)))
        yield ballast


@pytest.mark.parametrize("free", [0, 16 * 1024])
def test_a_full_disk_leaves_the_registry_as_it_was(
    free: int, registry_home: Path, tmp_path: Path
) -> None:
    place = tmp_path / "disk"
    with small_disk(registry_home, place, free) as ballast:
        done = invoke("rollback", home=place)
        assert done.exit_code == 1, done.output
        assert len(done.stderr.splitlines()) == 1
        assert "free some space" in done.stderr
        ballast.unlink()
        assert invoke("rollback", home=place).exit_code == 0
        model = registry_of(place)
        assert aliases(model)["production"] == "1"
        assert [one.action for one in history(model)].count("rollback") == 1


@pytest.mark.trial
@pytest.mark.parametrize("free", [0, 64 * 1024, 256 * 1024])
def test_a_full_disk_costs_a_decision_nothing_but_time(
    free: int, undecided: Path, tmp_path: Path
) -> None:
    place = tmp_path / "disk"
    before, document = standing(undecided), (undecided / "decision.md").read_bytes()
    with small_disk(undecided, place, free) as ballast:
        line = error_of(promotion("decide", *STUDY, home=place))
        assert "free some space" in line
        assert (place / "decision.md").read_bytes() == document
        ballast.unlink()
        assert standing(place).trained == before.trained
        finishes(place, "decide", *STUDY)
        assert standing(place).running == 0


def test_a_home_that_is_mounted_to_be_read_only_is_read(
    registry_home: Path, tmp_path: Path
) -> None:
    place = tmp_path / "mounted"
    with mounted(place, "--bind", str(registry_home)):
        subprocess.run(["mount", "-o", "remount,ro,bind", str(place)], check=True)
        assert "production: version 2" in invoke("status", home=place).output
        done = invoke("rollback", home=place)
        assert done.exit_code == 1
        assert len(done.stderr.splitlines()) == 1
        assert "make it writable" in done.stderr
    # This process's SQLite remembers the file as one to be read only.
    finishes(registry_home, "rollback")
