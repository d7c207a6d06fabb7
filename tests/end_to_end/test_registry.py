"""From Production on: a better model replaces, a worse one is stopped, the last one comes back."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from promotion import registry
from promotion.registry import PREVIOUS, PRODUCTION
from tests.builders import REGISTERED_MODEL, promotion, registry_of
from tests.end_to_end.builders import STUDY, carry_out, published

pytestmark = pytest.mark.end_to_end
BETTER = ("--set", "name=better", "--set", "grid.imgsz=[96,224]")
# Its mAP is no worse than that of what serves, so that it is promoted; but it works at a threshold
# that hides most persons, which the canary sees.
WEAKER = (
    *("--set", "name=weaker", "--set", "grid.imgsz=[96,288]"),
    *("--set", "policy.operating_point={rule: precision_floor, floor: 0.9}"),
)


def seen_before(home: Path, place: Path) -> tuple[str, str]:
    """The override that makes a study's own val pictures its canary."""
    source = next((home / "datasets").glob("*/images/val"))
    for kind in ("images", "labels"):
        shutil.copytree(source.parents[1] / kind / "val", place / kind / "canary")
    return "--set", f"canary.dataset={{source: folder, path: {place}}}"


def test_the_command_names_what_a_decision_lost_its_truth_to(changing_home: Path) -> None:
    done = promotion("register", *STUDY, "--set", "policy.confidence=0.7", home=changing_home)
    assert done.returncode == 1
    assert "the study's policy changed since it was made" in done.stderr


@pytest.mark.trial
def test_a_better_one_replaces_a_worse_one_is_stopped_and_previous_comes_back(
    changing_home: Path, tmp_path: Path
) -> None:
    home, model = changing_home, registry_of(changing_home)
    asking = (*BETTER, "--set", "policy.approval=true")
    better = carry_out(home, *asking)
    assert better.canary is not None
    assert better.canary.champion == f"{REGISTERED_MODEL} v1"
    assert (better.verdict, better.canary.verdict, better.place) == ("promote", "go", "staging")
    assert "en attente d’approbation" in (home / "decision.md").read_text(encoding="utf-8")
    first, second = "1", better.model_version
    assert promotion("approve", "--why", "vu", home=home).returncode == 0
    assert registry.aliases(model) == {PRODUCTION: second, PREVIOUS: first}
    done = promotion("canary", *STUDY, *asking, home=home)
    assert "in Production" in done.stdout
    assert published(home).place == "production"
    assert promotion("approve", home=home).returncode == 1

    carry_out(home, *WEAKER, commands=("run", "decide", "register"))
    staged = registry.aliases(model)
    seen = seen_before(home, tmp_path)
    done = promotion("canary", *STUDY, *WEAKER, *seen, home=home)
    assert done.returncode == 1
    assert "was seen before" in done.stderr
    assert registry.aliases(model) == staged

    worse = carry_out(home, *WEAKER, commands=("canary",))
    assert worse.canary is not None
    assert (worse.verdict, worse.canary.verdict, worse.place) == ("promote", "stop", "none")
    assert worse.canary.last.images < worse.canary.images_available
    assert registry.aliases(model) == {PRODUCTION: second, PREVIOUS: first}
    assert registry.history(model)[0].action == "withdraw"

    done = promotion("rollback", "--why", "plaintes", home=home)
    assert done.returncode == 0, done.stderr
    assert registry.aliases(model) == {PRODUCTION: first}
    again = promotion("rollback", home=home)
    assert again.returncode == 1
    assert "nothing to go back to" in again.stderr
    shown = promotion("status", home=home).stdout
    assert "production: version 1" in shown
    assert "plaintes" in shown
    for event in registry.history(model):
        assert event.action in shown

    history = registry.history(model)
    assert carry_out(home, *asking).place == "left"
    assert registry.history(model) == history
