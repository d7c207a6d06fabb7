"""A finding: what fails, what blocks, and what is not known."""

from __future__ import annotations

import pytest

from promotion.audit import Finding


def found(severity: str, passed: bool | None) -> Finding:
    facts = {"id": "x", "severity": severity, "passed": passed, "said": "failed"}
    return Finding.model_validate(facts)


def test_only_a_blocking_flaw_blocks() -> None:
    """A warning that refused every promotion would teach its reader to switch the audit off."""
    assert found("blocking", False).blocks
    assert not found("warning", False).blocks


@pytest.mark.parametrize("passed", [True, None])
def test_what_is_not_known_is_no_flaw(passed: bool | None) -> None:
    assert not found("blocking", passed).failed
    assert not found("blocking", passed).blocks
