"""Fifty kills at random moments, with a fixed seed: nothing is lost, the next start finishes."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.builders import promotion, put_in_production, registry_of
from tests.faults.builders import STUDY, family, finishes, left_of, standing, start

pytestmark = [
    pytest.mark.end_to_end,
    pytest.mark.trial,
    pytest.mark.skipif(sys.platform == "win32", reason="Windows ends a process without a signal"),
]
KILLS = 50
SEED = 20261125
# A command, the stage that it starts from, and how long it takes at most, in seconds.
COMMANDS = {
    "decide": ("trained", 25.0),
    "register": ("decided", 20.0),
    "canary": ("registered", 25.0),
    "report": ("registered", 30.0),
    "rollback": ("replaced", 5.0),
}


def kills() -> list[tuple[str, float]]:
    """Which command is killed, and when."""
    luck = random.Random(SEED)
    names = [luck.choice(sorted(COMMANDS)) for _ in range(KILLS)]
    return [(name, luck.uniform(0.5, COMMANDS[name][1])) for name in names]


@pytest.fixture(scope="module")
def stages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Homes of the smoke study at each stage; its four trainings are done once."""
    base = tmp_path_factory.mktemp("stages")
    found = {"trained": base / "trained"}
    done = promotion("run", *STUDY, home=found["trained"])
    assert done.returncode == 0, done.stderr
    steps = (("decided", "decide"), ("registered", "register"), ("finished", "canary"))
    before = found["trained"]
    for stage, command in steps:
        found[stage] = shutil.copytree(before, base / stage)
        finishes(found[stage], command, *STUDY)
        before = found[stage]
    found["replaced"] = shutil.copytree(before, base / "replaced")
    put_in_production(registry_of(found["replaced"]))
    return found


def arguments(command: str) -> tuple[str, ...]:
    return (command, *STUDY)


@pytest.mark.parametrize(("command", "after"), kills())
def test_a_kill_at_any_moment_loses_nothing(
    command: str, after: float, stages: dict[str, Path], tmp_path: Path
) -> None:
    home = shutil.copytree(stages[COMMANDS[command][0]], tmp_path / "home")
    before = standing(home)
    process = start(*arguments(command), home=home)
    try:
        process.wait(after)
    except subprocess.TimeoutExpired:
        started = family(process)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert left_of(started) == []
    left = standing(home)
    assert left.trained == before.trained
    if command == "rollback" and "previous" not in dict(left.aliases):
        # It was done before the kill came.
        assert dict(left.aliases)["production"] == "1"
    else:
        finishes(home, *arguments(command))
    after_all = standing(home)
    assert after_all.trained == before.trained
    assert after_all.running == 0
    assert after_all.events >= before.events
    if command in ("canary", "report", "rollback"):
        assert dict(after_all.aliases)["production"] == "1"
