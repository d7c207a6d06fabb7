"""A cluster's back end that is not installed is named before anything is trained."""

from __future__ import annotations

import pytest
from joblib import Parallel, delayed

from promotion.errors import PromotionError
from promotion.execution import check_backend
from promotion.execution.backends import use_backend


def test_a_back_end_that_is_not_installed_is_named() -> None:
    check_backend("loky")
    with pytest.raises(PromotionError, match=r"pip install 'promotion\[ray\]'"):
        check_backend("ray")


def test_work_given_to_this_machine_s_processes_comes_back() -> None:
    with use_backend("loky", 1):
        assert Parallel(n_jobs=1)(delayed(abs)(n) for n in (-1, -2)) == [1, 2]
