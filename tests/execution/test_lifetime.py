"""A batch that is killed takes its workers along, whoever waits for what they print."""

from __future__ import annotations

import subprocess
import sys

from promotion.paths import ROOT

WORKER = (
    "import os, time; from promotion.execution.lifetime import end_with; "
    "end_with(os.getppid()); print('at work', flush=True); time.sleep(60)"
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
