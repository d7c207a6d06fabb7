"""A command at work in a home, ended by what a test does to it, and what must stand afterwards."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from promotion.paths import ROOT
from promotion.registry import aliases, history
from promotion.store import Role, Tag, search
from tests.builders import SMOKE, clean_environment, connect_to, promotion, registered_in

STUDY = ("--study", str(SMOKE))
# A kernel that has computed for so many seconds is in the middle of its notebook.
WORKED = 3.0
# A command that nothing ends has failed, however busy the machine.
PATIENCE_S = 300


@dataclass(frozen=True)
class Standing:
    """What no fault may take away: finished trainings, who stands where, how many transitions."""

    trained: frozenset[str]
    aliases: tuple[tuple[str, str], ...]
    events: int
    running: int


def standing(home: Path) -> Standing:
    """What stands in a home."""
    client = connect_to(home)
    tags = {Tag.ROLE: Role.VARIANT, Tag.COMPLETE: "true"}
    model = registered_in(client)
    return Standing(
        trained=frozenset(run.info.run_id for run in search(client, "smoke", tags)),
        aliases=tuple(sorted(aliases(model).items())),
        events=len(history(model)),
        running=len(search(client, "smoke", {}, status="RUNNING")),
    )


def start(*arguments: str, home: Path, **environment: str) -> subprocess.Popen[str]:
    """Start a command as a user does, in a group of processes of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "promotion", *arguments, "--home", str(home)],
        cwd=ROOT,
        env={**clean_environment(), "COLUMNS": "200", "PYTHONUNBUFFERED": "1", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


@contextlib.contextmanager
def at_work(*arguments: str, home: Path, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """A command at work, of which nothing is left afterwards."""
    process = start(*arguments, home=home, **environment)
    try:
        yield process
    finally:
        for one in family(process):
            one.kill()
        process.communicate()


def family(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """A command's process and all that it started."""
    with contextlib.suppress(psutil.NoSuchProcess):
        started = psutil.Process(process.pid)
        return [started, *started.children(recursive=True)]
    return []


def wait_for_kernel(
    process: subprocess.Popen[str], worked: float = 0, seconds: float = PATIENCE_S
) -> psutil.Process:
    """The kernel of a command's notebook, as soon as it has worked for so many seconds."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        for one in family(process):
            with contextlib.suppress(psutil.Error):
                if "ipykernel_launcher" in one.cmdline() and one.cpu_times().user >= worked:
                    return one
        time.sleep(0.1)
    raise AssertionError("the command started no kernel")


def interrupt(process: subprocess.Popen[str], times: int = 1) -> tuple[int, str]:
    """Ctrl-C in the terminal, so many times; the exit code and what was said."""
    for _ in range(times):
        os.killpg(process.pid, signal.SIGINT)
        time.sleep(0.3)
    _, errors = process.communicate(timeout=PATIENCE_S)
    return process.returncode, errors


def left_of(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Which of these processes are still at work a few seconds later.

    The workers of joblib's pool, when idle, end by themselves within five minutes.
    """
    _, alive = psutil.wait_procs(processes, timeout=10)
    return [one for one in alive if not _is_idle(one)]


def _is_idle(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        said = " ".join(process.cmdline())
        return process.status() == psutil.STATUS_ZOMBIE or "loky" in said or "tracker" in said
    return True


def finishes(home: Path, *arguments: str, **environment: str) -> str:
    """Give the command once more, as its user would: it ends well; what it said."""
    done = promotion(*arguments, home=home, **environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def error_of(done: subprocess.CompletedProcess[str]) -> str:
    """The one line that a command left with."""
    lines = [line for line in done.stderr.splitlines() if line.startswith("error:")]
    assert done.returncode == 1, done.stdout + done.stderr
    assert len(lines) == 1, done.stderr
    assert "Traceback" not in done.stderr
    return lines[0]
