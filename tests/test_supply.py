"""What is installed is what was meant: each file by its hash, each action by its commit."""

from __future__ import annotations

import re

from promotion.paths import ROOT

PIN = re.compile(r"^([A-Za-z0-9_.-]+)==([^\s\\]+)", re.MULTILINE)
ACTION = re.compile(r"uses: *(\S.*)")
BY_COMMIT = re.compile(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")


def pins(name: str) -> dict[str, str]:
    content = (ROOT / name).read_text(encoding="utf-8")
    return {found[1].lower().replace("_", "-"): found[2] for found in PIN.finditer(content)}


def test_the_lock_names_exactly_the_pins_of_the_constraints() -> None:
    """After a change of constraints.txt: make lock."""
    assert pins("requirements.lock") == pins("constraints.txt")


def test_every_pin_of_the_lock_has_hashes() -> None:
    content = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    for part in re.split(r"\n(?=[A-Za-z])", content)[1:]:
        name, *hashes = [line.strip(" \\") for line in part.splitlines()]
        assert hashes, name
        assert all(re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", one) for one in hashes), name


def test_every_action_is_named_by_its_commit() -> None:
    """A tag can be moved."""
    found = []
    for path in (ROOT / ".github" / "workflows").glob("*.yml"):
        found += ACTION.findall(path.read_text(encoding="utf-8"))
    assert found
    assert all(BY_COMMIT.fullmatch(one) for one in found), found
