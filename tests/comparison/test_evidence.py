"""The evidence answers any claim about a difference, and travels through MLflow unchanged."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from promotion.comparison import Evidence
from tests.builders import evidence

DRAWS = np.random.default_rng(0).normal(0, 0.01, 2000)


@given(st.floats(0.0, 0.1), st.floats(0.5, 0.99))
def test_what_is_exceeded_with_a_probability_is_exceeded_with_it(
    mean: float, probability: float
) -> None:
    found = evidence().model_copy(update={"draws": {"mAP50": (mean + DRAWS).tolist()}})
    difference = found.exceeded("mAP50", probability)
    assert found.probability_above("mAP50", difference) == pytest.approx(probability, abs=0.002)


def test_evidence_comes_back_from_json_as_it_was() -> None:
    assert Evidence.model_validate_json(evidence().model_dump_json()) == evidence()


def test_the_baseline_is_no_rival() -> None:
    assert evidence().rivals == 1


def test_a_run_a_configuration_and_a_metric_are_found_by_name() -> None:
    found = evidence()
    assert found.run("big_s3").seed == 3
    assert found.configuration("small").seeds == [1, 2, 3]
    assert found.compared("recall").metric == "recall"
