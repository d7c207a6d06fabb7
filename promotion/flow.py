"""The flow from one study file to the decision, step by step; each step can be run alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mlflow.tracking import MlflowClient

from promotion import book, tracking
from promotion.batch import (
    Backend,
    Outcome,
    Step,
    StudyFile,
    check_backend,
    fingerprint,
    only_one,
    raise_if_failed,
    run_dataset,
    run_step,
    run_variants,
    variant_steps,
)
from promotion.checkpoints import starting_weights
from promotion.decision import Decision
from promotion.document import write_home
from promotion.errors import MissingRunsError
from promotion.tracking import Artifact, Role, Tag

Report = Callable[[Outcome], None]


@dataclass(frozen=True)
class Flow:
    """A study on its way through the steps, in one home."""

    file: StudyFile
    home: Path
    report: Report = lambda outcome: None

    @property
    def client(self) -> MlflowClient:
        """The MLflow store of this home."""
        return tracking.connect(self.home, self.file.study.experiment)

    def run(self, jobs: int, backend: Backend) -> list[Outcome]:
        """Make the dataset and train every variant; failed variants are among the outcomes."""
        # What would stop the batch later is found before any work is done.
        check_backend(backend)
        starting_weights(self.file.study.model, self.home)
        with only_one(self.home):
            _, dataset = run_dataset(self.file, self.home)
            self.report(dataset)
            raise_if_failed([dataset])
            return run_variants(self.file, self.home, jobs, backend, self.report)

    def decide(self) -> Decision:
        """Compare what was trained and decide; writes decision.md and decision.json."""
        comparison = self._step(Role.COMPARISON, "comparison", runs=self._complete_runs())
        decision = self._step(Role.DECISION, "decision", comparison_run=comparison.run_id)
        return self._publish(decision.run_id)

    def register(self) -> Decision:
        """Carry the newest decision out in the Model Registry."""
        decision = tracking.latest(
            self.client, self.file.study.experiment, self.file.study.name, Role.DECISION
        )
        done = self._step(Role.REGISTRATION, "registration", decision_run=decision.info.run_id)
        return self._publish(done.run_id)

    def book(self) -> Path:
        """Build the book from the newest run of each step; return its index.html."""
        study = self.file.study
        steps = {}
        for role in (Role.DATASET, Role.COMPARISON, Role.DECISION, Role.REGISTRATION):
            try:
                found = tracking.latest(self.client, study.experiment, study.name, role)
            except MissingRunsError:
                continue
            steps[role] = found.info.run_id
        complete = dict(zip(self._names(), self._complete_runs_or_none(), strict=True))
        failed = {
            name: run_id
            for name, run_id in self._newest_failures().items()
            if complete.get(name) is None
        }
        variants = {name: run_id for name, run_id in complete.items() if run_id}
        pages = book.Pages(steps, variants, failed)
        return book.build_book(self.client, study, self.home, pages)

    def decision(self) -> Decision:
        """The study's newest decision, after registration if there was one."""
        study = self.file.study
        for role in (Role.REGISTRATION, Role.DECISION):
            try:
                run = tracking.latest(self.client, study.experiment, study.name, role)
                break
            except MissingRunsError:
                if role == Role.DECISION:
                    raise
        return self._read(run.info.run_id)

    def _step(self, role: str, name: str, **inputs: object) -> Outcome:
        study = self.file.study
        step = Step(
            role=role,
            name=f"{name}_{study.name}",
            fingerprint=fingerprint(role, study=study.model_dump(mode="json"), **inputs),
            parameters=dict(inputs),
        )
        with only_one(self.home):
            outcome = run_step(self.client, self.file, step, self.home)
        self.report(outcome)
        raise_if_failed([outcome])
        return outcome

    def _names(self) -> list[str]:
        return [variant.run_name for variant in self.file.study.variants]

    def _complete_runs_or_none(self) -> list[str | None]:
        client, experiment = self.client, self.file.study.experiment
        runs = [
            tracking.find_complete(client, experiment, step.fingerprint)
            for step in variant_steps(self.file, self.home)
        ]
        return [run.info.run_id if run else None for run in runs]

    def _complete_runs(self) -> list[str]:
        runs = [run_id for run_id in self._complete_runs_or_none() if run_id]
        if not runs:
            raise MissingRunsError(
                f"no variant of study {self.file.study.name} is trained with the current data and "
                "code; run `promotion run` first"
            )
        return runs

    def _newest_failures(self) -> dict[str, str]:
        study = self.file.study
        tags = {Tag.STUDY: study.name, Tag.ROLE: Role.VARIANT}
        runs = tracking.search(self.client, study.experiment, tags)
        return {r.info.run_name: r.info.run_id for r in reversed(runs) if Tag.ERROR in r.data.tags}

    def _read(self, run_id: str) -> Decision:
        path = tracking.artifact(self.client, run_id, Artifact.DECISION_JSON)
        return Decision.model_validate_json(path.read_text(encoding="utf-8"))

    def _publish(self, run_id: str) -> Decision:
        decision = self._read(run_id)
        document = tracking.artifact(self.client, run_id, Artifact.DECISION_MD)
        write_home(self.home, decision, document.read_text(encoding="utf-8"))
        return decision
