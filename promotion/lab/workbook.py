"""What an exercise notebook opens: the runs of a study, and the two that it compares at first."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from promotion.errors import MissingRunsError
from promotion.lab.review import Records, read_records
from promotion.lab.review.records import Ran
from promotion.paths import default_home
from promotion.store import connect
from promotion.study import Study, Variant, load_study, standing_overrides

STUDY_VARIABLE = "LAB_STUDY"


@dataclass(frozen=True)
class Workbook:
    """A study and its finished runs."""

    study: Study
    records: Records

    @property
    def baseline(self) -> Ran:
        """The run of the study's baseline with the first seed."""
        return self._run(self._first)

    @property
    def candidate(self) -> Ran:
        """The run of the same seed whose settings come last in the grid."""
        seed = self._first.seed
        return self._run(next(one for one in reversed(self.study.variants) if one.seed == seed))

    @property
    def _first(self) -> Variant:
        wanted = self.study.baseline_configuration
        return next(one for one in self.study.variants if one.configuration == wanted)

    def _run(self, variant: Variant) -> Ran:
        found = self.records.run(variant.run_name)
        if found is None:
            raise MissingRunsError(
                f"{variant.run_name} is not trained; run `python -m promotion run` first"
            )
        return found


def open_workbook(study: str) -> Workbook:
    """Open the home's runs of a study file, named from the project's root.

    LAB_STUDY, when set, names another file, PROMOTION_HOME another home; PROMOTION_SET overrides
    the study as for a command.

    Raises:
        DocumentError: none of the study's runs is finished.
    """
    os.environ["MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"] = "false"
    loaded = load_study(Path(os.environ.get(STUDY_VARIABLE, study)), standing_overrides())
    records = read_records(connect(default_home()), "", loaded.experiment)
    assert records is not None
    return Workbook(loaded, records)
