"""A notebook opens a session, by hand or by the batch, and leaves nothing behind."""

from __future__ import annotations

from pathlib import Path

import mlflow
import pytest

from promotion.errors import StudyError
from promotion.store import (
    Role,
    Session,
    Tag,
    close_session,
    connect,
    open_session,
    search,
    start_run,
)
from tests.builders import SMOKE


def active() -> str | None:
    run = mlflow.active_run()
    return run.info.run_id if run else None


def test_the_batch_s_run_receives_what_its_notebook_finds(home: Path) -> None:
    run_id = start_run(connect(home, "smoke"), "smoke", "variant", {})
    opened = open_session(str(SMOKE), [], run_id, Role.VARIANT)
    assert (opened.run_id, active()) == (run_id, run_id)
    close_session(opened)
    assert active() is None


def test_a_notebook_run_by_hand_has_a_run_of_its_own(session: Session) -> None:
    run = session.client.get_run(session.run_id)
    assert run.info.run_name == "variant_by_hand"
    assert run.data.tags[Tag.ROLE] == Role.VARIANT
    assert Tag.COMPLETE not in run.data.tags


def test_the_first_cell_may_be_executed_twice(session: Session) -> None:
    again = open_session(str(SMOKE), [], "", Role.VARIANT)
    assert active() == again.run_id != session.run_id


def test_a_session_takes_the_study_s_overrides(home: Path) -> None:
    opened = open_session(str(SMOKE), ["grid.seed=[7]", "experiment=other"], "", Role.VARIANT)
    assert opened.study.grid.seed == [7]
    assert opened.home == home
    assert len(search(opened.client, "other", {Tag.STUDY: "smoke"})) == 1
    close_session(opened)


def test_a_study_that_is_not_valid_starts_no_run(home: Path) -> None:
    with pytest.raises(StudyError):
        open_session(str(SMOKE), ["grid.seed=[]"], "", Role.VARIANT)
    assert active() is None


def test_closing_a_session_takes_its_scratch_away(session: Session) -> None:
    (session.scratch / "weights.pt").write_bytes(b"large")
    close_session(session)
    assert not (session.home / "scratch" / session.run_id).exists()
