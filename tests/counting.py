"""Counts how the tests of a kind ended, for the tables of SECURITY.md."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pytest


@dataclass
class Kind:
    """What a table has a row for: its tests, named by how they begin, and what is seen.

    `each` is how many inputs or faults a test of it stands for.
    """

    name: str
    tests: tuple[str, ...]
    seen: str
    each: int = 1
    passed: int = 0
    failed: int = 0
    skipped: int = 0

    @property
    def tried(self) -> int:
        return self.passed + self.failed


class Counter:
    """Counts, for pytest, how the tests of each kind ended."""

    def __init__(self, kinds: Sequence[Kind]) -> None:
        self.kinds = kinds

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        kind = next((kind for kind in self.kinds if report.nodeid.startswith(kind.tests)), None)
        if kind is None:
            return
        if report.skipped:
            kind.skipped += kind.each
        elif report.failed:
            kind.failed += kind.each
        elif report.when == "call":
            kind.passed += kind.each


def count(kinds: Sequence[Kind], *options: str) -> int:
    """Run the tests of these kinds and count them; pytest's exit code, or 1 if one was skipped."""
    files = sorted({test.partition("::")[0] for kind in kinds for test in kind.tests})
    status = pytest.main(["-q", "--no-header", *options, *files], plugins=[Counter(kinds)])
    return int(status) or int(any(kind.skipped for kind in kinds))
