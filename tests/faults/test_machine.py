"""The machine's own faults, each on the real thing: one line, nothing lost, and the way on."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from promotion.paths import ROOT
from promotion.store import Tag, search, start_run
from promotion.whole import write_whole
from tests.builders import clean_environment, connect_to, promotion
from tests.faults.builders import (
    PATIENCE_S,
    STUDY,
    WORKED,
    at_work,
    error_of,
    family,
    finishes,
    interrupt,
    left_of,
    standing,
    start,
    wait_for_kernel,
)

posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX limits, users and signals")
pytestmark = [pytest.mark.end_to_end]
OTHER_POLICY = ("--set", "policy.confidence=0.7")


def in_shell(home: Path, before: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command from a shell that first sets a limit."""
    command = f'{before}; exec "$@"'
    program = [sys.executable, "-m", "promotion", *arguments, "--home", str(home)]
    return subprocess.run(
        ["bash", "-c", command, "bash", *program],
        cwd=ROOT,
        env={**clean_environment(), "COLUMNS": "200"},
        capture_output=True,
        text=True,
    )


@pytest.mark.trial
def test_a_store_that_another_process_holds_is_said_so(undecided: Path) -> None:
    with closing(sqlite3.connect(undecided / "mlflow.db")) as held:
        held.execute("BEGIN EXCLUSIVE")
        line = error_of(promotion("decide", *STUDY, home=undecided))
    assert "locked" in line
    finishes(undecided, "decide", *STUDY)


@pytest.mark.trial
@posix
def test_a_full_disk_is_told_and_leaves_the_old_document_whole(undecided: Path) -> None:
    """A file that may not grow is what a full disk is to the program that writes it."""
    before, document = standing(undecided), (undecided / "decision.md").read_bytes()
    done = in_shell(undecided, "ulimit -f 64", "decide", *STUDY)
    line = error_of(done)
    assert "limit on the size of files" in line or "disk" in line
    assert (undecided / "decision.md").read_bytes() == document
    assert standing(undecided).trained == before.trained
    finishes(undecided, "decide", *STUDY)


@pytest.mark.trial
@posix
@pytest.mark.skipif(shutil.which("setpriv") is None, reason="takes util-linux")
def test_a_home_that_may_only_be_read_is_read_and_nothing_else(undecided: Path) -> None:
    for path in [undecided, *undecided.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    # The rights of files bind root too, once it may not override them.
    bound = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"]

    def bounded(*arguments: str) -> subprocess.CompletedProcess[str]:
        program = [sys.executable, "-m", "promotion", *arguments, "--home", str(undecided)]
        return subprocess.run(
            [*bound, *program] if os.geteuid() == 0 else program,
            cwd=ROOT,
            env={**clean_environment(), "COLUMNS": "200"},
            capture_output=True,
            text=True,
        )

    shown = bounded("status")
    assert shown.returncode == 0, shown.stderr
    assert "production: version 1" in shown.stdout
    line = error_of(bounded("decide", *STUDY))
    assert "writable" in line
    for path in undecided.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)


def test_a_cell_that_hangs_is_ended_and_named(undecided: Path) -> None:
    slow = {"PROMOTION_CELL_SECONDS": "1"}
    line = error_of(promotion("decide", *STUDY, home=undecided, **slow))
    assert "gave no answer within 1 s" in line
    assert "PROMOTION_CELL_SECONDS" in line
    wrong = promotion("decide", *STUDY, home=undecided, PROMOTION_CELL_SECONDS="x")
    assert "a whole number of seconds" in error_of(wrong)
    assert standing(undecided).running == 0


@pytest.fixture
def deciding(undecided: Path) -> Iterator[subprocess.Popen[str]]:
    """A decision at work, whose kernel has started."""
    with at_work("decide", *STUDY, home=undecided) as process:
        yield process


@pytest.mark.trial
@posix
def test_a_kernel_that_is_killed_is_named(deciding: subprocess.Popen[str], undecided: Path) -> None:
    wait_for_kernel(deciding, WORKED).kill()
    _, errors = deciding.communicate(timeout=PATIENCE_S)
    assert deciding.returncode == 1
    assert "kernel was killed" in errors
    assert standing(undecided).running == 0
    finishes(undecided, "decide", *STUDY)


@posix
@pytest.mark.parametrize("times", [1, pytest.param(2, marks=pytest.mark.trial)])
def test_ctrl_c_leaves_no_process_and_no_run(
    times: int, deciding: subprocess.Popen[str], undecided: Path
) -> None:
    wait_for_kernel(deciding)
    started = family(deciding)
    code, errors = interrupt(deciding, times)
    assert code == 130, errors
    assert "run the same command to go on" in errors
    assert left_of(started) == []
    assert standing(undecided).running == 0
    finishes(undecided, "decide", *STUDY)


@posix
@pytest.mark.trial
@pytest.mark.parametrize("victim", ["worker", "driver"])
def test_a_death_in_training_costs_one_variant_at_most(victim: str, changing_home: Path) -> None:
    before = standing(changing_home)
    wider = (*STUDY, "--set", "grid.imgsz=[96,128,160]", "--set", "grid.seed=[1,2]")
    # Two are left to train, so that there are two workers.
    process = start("run", *wider, "--jobs", "2", home=changing_home)
    kernel = wait_for_kernel(process, WORKED)
    started = family(process)
    if victim == "driver":
        process.kill()
    else:
        worker = psutil.Process(kernel.pid).parent()
        assert worker is not None
        worker.kill()
    _, errors = process.communicate(timeout=PATIENCE_S)
    if victim == "worker":
        assert "a worker process was killed" in errors or "kernel was killed" in errors
    assert left_of(started) == []
    assert before.trained <= standing(changing_home).trained
    shown = finishes(changing_home, "run", *wider)
    assert "0 failed" in shown
    assert standing(changing_home).running == 0


def test_a_run_that_a_dead_process_left_is_closed(changing_home: Path) -> None:
    client = connect_to(changing_home, "smoke")
    dead = start_run(client, "smoke", "dead", {Tag.HOME: str(changing_home)})
    finishes(changing_home, "decide", *STUDY)
    assert client.get_run(dead).info.status == "KILLED"


@pytest.mark.trial
@posix
def test_a_home_works_under_a_long_path_with_spaces_and_accents(
    undecided: Path, tmp_path: Path
) -> None:
    odd = tmp_path / "été à l’école" / ("x" * 150) / "chez moi"
    odd.parent.mkdir(parents=True)
    shutil.move(undecided, odd)
    assert "0 trained, 4 kept from before, 0 failed" in finishes(odd, "run", *STUDY)
    finishes(odd, "decide", *STUDY)


@posix
@pytest.mark.trial
@pytest.mark.skipif(shutil.which("faketime") is None, reason="`apt install faketime` brings it")
def test_a_clock_that_goes_back_changes_no_order(undecided: Path) -> None:
    before = search(connect_to(undecided), "smoke", {})[0]
    program = [sys.executable, "-m", "promotion", "decide", *STUDY]
    done = subprocess.run(
        ["faketime", "-f", "-2d", *program, "--home", str(undecided)],
        cwd=ROOT,
        env=clean_environment(),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    newest = search(connect_to(undecided), "smoke", {})[0]
    assert newest.info.start_time > before.info.start_time
    assert newest.info.run_id != before.info.run_id


@posix
@pytest.mark.trial
def test_too_little_memory_is_told_as_such(changing_home: Path) -> None:
    done = in_shell(changing_home, "ulimit -v 2500000", "decide", *STUDY, *OTHER_POLICY)
    line = error_of(done)
    assert "memory" in line
    assert standing(changing_home).running == 0
    finishes(changing_home, "decide", *STUDY, *OTHER_POLICY)


@pytest.mark.trial
def test_two_batches_do_not_share_a_home(changing_home: Path) -> None:
    first = start("decide", *STUDY, *OTHER_POLICY, home=changing_home)
    wait_for_kernel(first)
    line = error_of(promotion("decide", *STUDY, *OTHER_POLICY, home=changing_home))
    assert f"process {first.pid} (" in line
    _, errors = first.communicate(timeout=PATIENCE_S)
    assert first.returncode == 0, errors


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    place = tmp_path / "decision.md"
    write_whole(place, "first")
    with pytest.raises(UnicodeEncodeError):
        write_whole(place, "second \udcff")
    assert place.read_text(encoding="utf-8") == "first"
    assert [path.name for path in tmp_path.iterdir()] == ["decision.md"]
