"""A batch that is killed takes its workers along, whoever waits for what they print."""

from __future__ import annotations

import subprocess
import sys

import pytest

from promotion.paths import ROOT

pytestmark = pytest.mark.slow

WORKER = (
    "import os, time; from promotion.execution.lifetime import end_with; "
    "end_with(os.getppid()); print('at work', flush=True); time.sleep(60)"
)
INTERRUPTED = (
    "import os; from joblib import Parallel, delayed; "
    "from promotion.execution import end_children; "
    "Parallel(n_jobs=2)(delayed(os.getpid)() for _ in range(4)); end_children()"
)
DRIVER = "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1]])"


def test_a_worker_ends_with_a_driver_that_nobody_has_collected_yet() -> None:
    """As `subprocess.run(capture_output=True)` does it: it waits for the pipe, then collects."""
    driver = subprocess.Popen(
        [sys.executable, "-c", DRIVER, WORKER], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert driver.stdout is not None
    assert driver.stdout.readline() == "at work\n"
    driver.kill()
    assert driver.communicate(timeout=20)[0] == ""


def test_a_batch_that_ends_its_workers_says_nothing_of_their_semaphores() -> None:
    """A traceback of joblib's stood below the one line that a failed report left with."""
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED], cwd=ROOT, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
