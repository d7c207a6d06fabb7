"""SECURITY.md's table of faults has a row for each kind, and each kind has its tests."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest

from promotion.paths import ROOT
from tests.counting import Kind
from tests.faults.__main__ import FAULTS
from tests.hostile.__main__ import DOORS

SECURITY = (ROOT / "SECURITY.md").read_text(encoding="utf-8")


def named(kind: Kind) -> str:
    return kind.name


@pytest.mark.parametrize("kind", [*FAULTS, *DOORS], ids=named)
def test_a_kind_has_its_tests_and_its_row(kind: Kind) -> None:
    for prefix in kind.tests:
        file, _, name = prefix.partition("::")
        if name:
            source = (ROOT / file).read_text(encoding="utf-8")
            assert re.search(rf"^(async )?def {re.escape(name.partition('[')[0])}", source, re.M)
        else:
            assert (ROOT / file).exists()
    assert f"\n| {kind.name} | " in SECURITY


@pytest.mark.parametrize("kinds", [FAULTS, DOORS], ids=["faults", "doors"])
def test_a_test_counts_for_one_kind_alone(kinds: Sequence[Kind]) -> None:
    prefixes = [prefix for kind in kinds for prefix in kind.tests]
    for one in prefixes:
        assert [other for other in prefixes if one.startswith(other)] == [one]
