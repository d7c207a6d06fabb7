"""Two things written to MLflow under one name would overwrite each other."""

from __future__ import annotations

import pytest

from promotion.store import Artifact, Role, Tag, VersionTag


@pytest.mark.parametrize("names", [Artifact, Role, Tag, VersionTag])
def test_no_name_is_given_twice(names: type) -> None:
    values = [value for key, value in vars(names).items() if key.isupper()]
    assert len(set(values)) == len(values)


def test_a_split_s_tables_have_names_of_their_own() -> None:
    names = [f(split) for f in (Artifact.detections, Artifact.ground_truth) for split in "ab"]
    assert len(set(names)) == 4
