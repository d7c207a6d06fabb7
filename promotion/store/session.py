"""What a notebook starts with: its study, the MLflow store, and the run it writes to."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import mlflow
from mlflow.tracking import MlflowClient

from promotion.paths import default_home
from promotion.store.names import Tag
from promotion.store.tracking import connect, latest, start_run
from promotion.study import Study, load_study


@dataclass(frozen=True)
class Session:
    """A step at work: `run_id` is the MLflow run that receives what it finds."""

    study: Study
    home: Path
    client: MlflowClient
    run_id: str

    @property
    def scratch(self) -> Path:
        """A folder for files on their way to MLflow; closing the session removes it."""
        folder = self.home / "scratch" / self.run_id
        folder.mkdir(parents=True, exist_ok=True)
        return folder


def open_session(study: str, overrides: Sequence[str], run_id: str, role: str) -> Session:
    """Open a notebook's session in the home that PROMOTION_HOME names.

    An empty `run_id` makes a run of its own, for work by hand.

    Raises:
        StudyError: the study file is not valid.
        TrackingError: the MLflow store does not answer.
    """
    loaded = load_study(Path(study), overrides)
    place = default_home()
    client = connect(place, loaded.experiment)
    if not run_id:
        tags = {Tag.STUDY: loaded.name, Tag.ROLE: role}
        run_id = start_run(client, loaded.experiment, f"{role}_by_hand", tags)
    # Run by hand, the first cell may be executed twice.
    mlflow.end_run()
    mlflow.start_run(run_id=run_id)
    return Session(loaded, place, client, run_id)


def given_or_latest(session: Session, run_id: str, role: str) -> str:
    """This run, or with an empty id the newest complete one of the study in this role.

    Raises:
        MissingRunsError: there is none.
    """
    study = session.study
    return run_id or str(latest(session.client, study.experiment, study.name, role).info.run_id)


def close_session(session: Session) -> None:
    """End the notebook's run and remove its scratch folder."""
    mlflow.end_run()
    shutil.rmtree(session.home / "scratch" / session.run_id, ignore_errors=True)
