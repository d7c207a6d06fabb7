"""A finding of the audit: the check, its outcome, and the facts that its sentence needs."""

from __future__ import annotations

from typing import Literal

from promotion.facts import Note

Severity = Literal["blocking", "warning", "note"]


class Finding(Note):
    """A check on the experiment itself; `passed` is None where what it needs is not known.

    `said` names the sentence that tells it: the outcome, unless there is more than one way to tell.
    """

    severity: Severity
    passed: bool | None
    said: str

    @property
    def failed(self) -> bool:
        """Whether a flaw was found."""
        return self.passed is False

    @property
    def blocks(self) -> bool:
        """Whether it makes the comparison worthless."""
        return self.failed and self.severity == "blocking"


def finding(
    identity: str, severity: Severity, passed: bool | None, said: str = "", **facts: object
) -> Finding:
    """A finding; without `said` its sentence is that of the outcome."""
    outcome = {True: "passed", False: "failed", None: "unknown"}[passed]
    return Finding(id=identity, severity=severity, passed=passed, said=said or outcome, facts=facts)
