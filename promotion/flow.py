"""The flow from one study file to the decision, step by step; each step can be run alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from mlflow.tracking import MlflowClient

from promotion import book, registry, tracking
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
from promotion.checksums import digest_of
from promotion.datasets import prepare
from promotion.decision import Decision
from promotion.document import write_home
from promotion.errors import MissingRunsError
from promotion.records import refresh_decision
from promotion.session import Session
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
        chain = {Role.COMPARISON: self._execute(self._comparison())}
        return self._publish(self._execute(self._decision(chain)))

    def register(self) -> Decision:
        """Carry the decision out in the Model Registry.

        Raises:
            MissingRunsError: there is no decision.
            PromotionError: what the decision rests on has changed since.
        """
        chain = self._chain()
        if Role.DECISION not in chain:
            # Registration says what has changed since the newest one was made.
            study = self.file.study
            newest = tracking.latest(self.client, study.experiment, study.name, Role.DECISION)
            chain[Role.DECISION] = newest.info.run_id
        return self._publish(self._execute(self._registration(chain)))

    def canary(self) -> Decision:
        """Test the staged version on the canary and carry the verdict out in the registry.

        Nothing is tested if nothing was registered, or if the study has no canary. A version that
        has left Staging keeps the canary it had: its champion was that of its time.

        Raises:
            MissingRunsError: there is no registration.
            PromotionError: the canary cannot be run.
        """
        chain = self._chain()
        if Role.REGISTRATION not in chain:
            raise MissingRunsError(self._missing("registration", "register"))
        decision = self._read(chain[Role.REGISTRATION])
        if decision.model_version is None or self.file.study.canary is None:
            return decision
        registry.recover(self.client)
        staged = registry.aliases(self.client).get(registry.STAGING)
        if staged == decision.model_version or Role.CANARY not in chain:
            chain[Role.CANARY] = self._execute(self._canary(chain, decision.model_version))
        return self._publish(chain[Role.CANARY])

    def book(self) -> Path:
        """Build the book from the run of each step; return its index.html."""
        chain = self._chain()
        if Role.DECISION in chain:
            self._publish(self._last(chain))
        dataset = self._dataset_run()
        steps = {**dataset, **chain}
        complete = dict(zip(self._names(), self._complete_runs_or_none(), strict=True))
        failed = {
            name: run_id
            for name, run_id in self._newest_failures().items()
            if complete.get(name) is None
        }
        variants = {name: run_id for name, run_id in complete.items() if run_id}
        pages = book.Pages(steps, variants, failed)
        return book.build_book(self.client, self.file.study, self.home, pages)

    def decision(self) -> Decision:
        """The decision on what is there now, with what came of it so far.

        Raises:
            MissingRunsError: there is none.
        """
        chain = self._chain()
        if Role.DECISION not in chain:
            raise MissingRunsError(self._missing("decision", "decide"))
        return self._read(self._last(chain))

    def _chain(self) -> dict[str, str]:
        """The newest run of each step that was done on the current data, runs and policy, by role.

        A change of the code that writes the report does not make a decision untrue.
        """
        chain: dict[str, str] = {}
        if not any(self._complete_runs_or_none()):
            return chain
        for role, step_after in (
            (Role.COMPARISON, lambda chain: self._comparison()),
            (Role.DECISION, self._decision),
            (Role.REGISTRATION, self._registration),
        ):
            wanted = {**step_after(chain).tags, Tag.COMPLETE: "true"}
            runs = tracking.search(self.client, self.file.study.experiment, wanted, most=1)
            if not runs:
                return chain
            chain[role] = runs[0].info.run_id
        number = self._read(chain[Role.REGISTRATION]).model_version
        tested = number and tracking.tested(self.client, self.file.study.experiment, number)
        if tested:
            chain[Role.CANARY] = tested.info.run_id
        return chain

    @staticmethod
    def _last(chain: dict[str, str]) -> str:
        """The run that holds the decision with all that came of it."""
        roles = (Role.CANARY, Role.REGISTRATION, Role.DECISION)
        return next(chain[role] for role in roles if role in chain)

    def _missing(self, what: str, command: str) -> str:
        return (
            f"study {self.file.study.name} has no {what} on its current data, runs and policy; "
            f"run `promotion {command}` first"
        )

    def _comparison(self) -> Step:
        return self._step(Role.COMPARISON, runs=self._complete_runs())

    def _decision(self, chain: dict[str, str]) -> Step:
        return self._step(Role.DECISION, comparison_run=chain[Role.COMPARISON])

    def _registration(self, chain: dict[str, str]) -> Step:
        runs = self._complete_runs()
        return self._step(Role.REGISTRATION, decision_run=chain[Role.DECISION], runs=runs)

    def _canary(self, chain: dict[str, str], number: str) -> Step:
        rules = self.file.study.canary
        assert rules is not None
        step = self._step(
            Role.CANARY,
            version=number,
            champion=registry.champion_of(self.client, number),
            dataset=prepare(rules.dataset, self.home).manifest.digest,
        )
        return replace(step, parameters={"registration_run": chain[Role.REGISTRATION]})

    def _step(self, role: str, **inputs: object) -> Step:
        # Only the canary depends on the canary's rules.
        study = self.file.study
        settings = study.model_dump(
            mode="json", exclude=None if role == Role.CANARY else {"canary"}
        )
        facts = {"study": settings, **inputs}
        return Step(
            role=role,
            name=f"{role}_{study.name}",
            fingerprint=fingerprint(role, **facts),
            parameters=dict(inputs),
            tags={Tag.INPUTS: digest_of({"role": role, **facts})},
        )

    def _execute(self, step: Step) -> str:
        """Execute a step unless that was done; return its run."""
        with only_one(self.home):
            outcome = run_step(self.client, self.file, step, self.home)
        self.report(outcome)
        raise_if_failed([outcome])
        return outcome.run_id

    def _dataset_run(self) -> dict[str, str]:
        study = self.file.study
        try:
            found = tracking.latest(self.client, study.experiment, study.name, Role.DATASET)
        except MissingRunsError:
            return {}
        return {Role.DATASET: found.info.run_id}

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
        session = Session(self.file.study, self.home, self.client, run_id)
        decision = refresh_decision(session)
        document = tracking.artifact(self.client, run_id, Artifact.DECISION_MD)
        write_home(self.home, decision, document.read_text(encoding="utf-8"))
        return decision
