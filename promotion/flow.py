"""The flow from one study file to the canary: what stands, what is next, and doing it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from mlflow.entities import Run
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from promotion.canary import CanaryResult
from promotion.checksums import digest_of
from promotion.comparison import Evidence, Selection
from promotion.comparison.dossier import Chosen
from promotion.datasets import prepare
from promotion.decision import Decision
from promotion.errors import MissingRunsError
from promotion.execution import (
    Backend,
    Outcome,
    Step,
    StudyFile,
    check_backend,
    close_interrupted,
    end_children,
    fingerprint,
    only_one,
    raise_if_failed,
    run_step,
    run_variants,
    showing_code,
    variant_steps,
)
from promotion.registry import (
    STAGING,
    Place,
    RegisteredModel,
    aliases,
    champion_of,
    place_of,
    recover,
    versions,
)
from promotion.registry.registration import Registration
from promotion.report.book import Pages, build_book
from promotion.report.gallery import Gallery, load_gallery, write_gallery
from promotion.report.language import LANGUAGES, in_language
from promotion.report.publication import (
    Publication,
    load_decision,
    publish,
    write_document,
    write_files,
    write_home,
    write_sheet,
    write_summary,
)
from promotion.report.templates import TEMPLATES
from promotion.steps import CHAIN, STEPS
from promotion.store import (
    Artifact,
    Role,
    Session,
    Tag,
    connect,
    latest,
    load_fact,
    make_readable,
    search,
    tested,
)
from promotion.study import Study
from promotion.training import StartingPoint, person_class, starting_point

Report = Callable[[Outcome], None]


@dataclass(frozen=True)
class Standing:
    """What of a study is done on its current data, code and policy.

    `variants` are the trainings that its grid asks for, `trained` the runs of those that are
    complete, `failed` those of the newest failures; `runs` maps the other roles to their runs.
    `complete` and `inputs` find a complete run by its fingerprint and by its inputs alone.
    """

    dataset: str
    variants: list[Step]
    trained: dict[str, str]
    failed: dict[str, str]
    runs: dict[str, str] = field(default_factory=dict)
    complete: dict[str, str] = field(default_factory=dict)
    inputs: dict[str, str] = field(default_factory=dict)

    def after(self, outcome: Outcome, role: str) -> Standing:
        """The standing once a step is done: what followed the step's earlier run counts no more."""
        if self.runs.get(role) == outcome.run_id:
            return self
        earlier = [one for one in STEPS if one in self.runs and _order(one) < _order(role)]
        runs = {one: self.runs[one] for one in earlier} | {role: outcome.run_id}
        return replace(self, runs=runs)


def survey(file: StudyFile, home: Path, client: MlflowClient, start: str) -> Standing:
    """Look once at the data and at MLflow, and say what stands.

    `start` is the SHA-256 of the starting checkpoint.

    A change of the code that writes the report does not make a decision untrue, so that the steps
    after the training are found by their inputs.

    Raises:
        DatasetError: the dataset cannot be made or trusted.
    """
    study = file.study
    digest = prepare(study.dataset, home).manifest.digest
    steps = variant_steps(study, STEPS[Role.VARIANT].path, digest, start)
    done = search(client, study.experiment, {Tag.COMPLETE: "true"})
    complete = _newest_by(done, Tag.FINGERPRINT)
    trained = {s.name: complete[s.fingerprint] for s in steps if s.fingerprint in complete}
    standing = Standing(
        dataset=digest,
        variants=steps,
        trained=trained,
        failed=_failures(client, study, set(trained)),
        complete=complete,
        inputs=_newest_by(done, Tag.INPUTS),
    )
    dataset_run = complete.get(plan(Role.DATASET, study, standing).fingerprint)
    if dataset_run:
        standing = replace(standing, runs={Role.DATASET: dataset_run})
    if not trained:
        return standing
    for role in CHAIN:
        if role == Role.CANARY:
            break
        run_id = standing.inputs.get(plan(role, study, standing).tags[Tag.INPUTS])
        if run_id is None:
            return standing
        standing = replace(standing, runs={**standing.runs, role: run_id})
    run_id = standing.runs[Role.REGISTRATION]
    number = load_fact(client, run_id, Artifact.REGISTRATION, Registration).version
    if number and number not in {str(one.version) for one in versions(_registered(study, client))}:
        # The registry is the truth: what is gone from it is to be registered again.
        return _without(standing, Role.REGISTRATION)
    canary = tested(client, study, number) if number else None
    if canary:
        standing = replace(standing, runs={**standing.runs, Role.CANARY: canary.info.run_id})
    return standing


def _without(standing: Standing, role: str) -> Standing:
    """The standing as if this step had not been done."""
    gone = standing.runs[role]
    return replace(
        standing,
        runs={one: run for one, run in standing.runs.items() if run != gone},
        complete={key: run for key, run in standing.complete.items() if run != gone},
        inputs={key: run for key, run in standing.inputs.items() if run != gone},
    )


def next_steps(standing: Standing) -> list[str]:
    """The roles that are still to be done, in order; each is done from the one before it."""
    if Role.DATASET not in standing.runs:
        return list(STEPS)
    if any(step.name not in standing.trained for step in standing.variants):
        return [Role.VARIANT, *CHAIN]
    done = [place for place, role in enumerate(CHAIN) if role in standing.runs]
    return list(CHAIN[max(done, default=-1) + 1 :])


def plan(role: str, study: Study, standing: Standing, **known: object) -> Step:
    """The step of a role as it would be executed from where the study stands.

    `known` are inputs that the notebook finds by itself; they count, but are no parameters of it.
    """
    step = STEPS[role]
    inputs: dict[str, object] = {}
    for need in step.needs:
        if need == Role.VARIANT:
            inputs["runs"] = list(standing.trained.values())
        elif need == Role.DATASET:
            inputs["dataset"] = standing.dataset
        elif need in standing.runs:
            inputs[f"{need}_run"] = standing.runs[need]
    # Only the canary depends on the canary's rules, and the dataset on nothing but itself.
    settings: object = study.model_dump(
        mode="json", exclude=None if role == Role.CANARY else {"canary"}
    )
    facts: dict[str, object] = {"study": settings, **inputs, **known}
    name = f"{role}_{study.name}"
    if role == Role.DATASET:
        facts = {"dataset": standing.dataset, "study": study.name}
        name = f"dataset_{standing.dataset[:12]}"
    tags = {Tag.INPUTS: digest_of({"role": role, **facts})}
    if role == Role.DATASET:
        tags[Tag.DATASET_DIGEST] = standing.dataset
    code = showing_code(step.path, TEMPLATES)
    printed = fingerprint(role, step.path, code, **facts)
    return Step(role, name, step.path, printed, inputs, tags)


def check_start(checkpoint: Path) -> None:
    """Open the starting checkpoint once, here, before a whole batch finds that it cannot.

    Raises:
        PromotionError: it is not of a YOLO detector, or none of its classes stands for a person.
    """
    # Importing torch takes seconds, and only what trains needs it.
    from promotion.training.yolo import class_names

    person_class(class_names(checkpoint))


class _Found(NamedTuple):
    """What a publication is made from, whichever language tells it."""

    decision: Decision
    evidence: Evidence
    registration: Registration | None
    canary: CanaryResult | None
    place: Place


class Flow:
    """A study on its way through the steps, in one home; the world is asked once."""

    def __init__(self, file: StudyFile, home: Path, report: Report = lambda outcome: None) -> None:
        self.file = file
        self.home = home
        self.report = report

    @cached_property
    def client(self) -> MlflowClient:
        """The MLflow store of this home."""
        client = connect(self.home, self.file.study.experiment)
        make_readable(client, self.file.study)
        return client

    @property
    def registered(self) -> RegisteredModel:
        """The study's registered model."""
        return _registered(self.file.study, self.client)

    @cached_property
    def start(self) -> StartingPoint:
        """The verified checkpoint that training starts from."""
        return starting_point(self.file.study.model, self.home)

    @cached_property
    def standing(self) -> Standing:
        """What stands; each step that is done here brings it on."""
        return survey(self.file, self.home, self.client, self.start.sha256)

    def run(self, jobs: int, backend: Backend) -> list[Outcome]:
        """Make the dataset and train every variant; failed variants are among the outcomes."""
        check_backend(backend)
        with self._alone():
            # What would stop the batch later is found before any work is done.
            waiting = [s for s in self.standing.variants if s.name not in self.standing.trained]
            if waiting:
                check_start(self.start.path)
            self._advance(Role.DATASET)
            kept = [
                Outcome(name, Role.VARIANT, "kept", run_id)
                for name, run_id in self.standing.trained.items()
            ]
            for outcome in kept:
                self.report(outcome)
            done: list[Outcome] = []
            if waiting:
                done = run_variants(self.file, waiting, self.home, jobs, backend, self.report)
        by_name = {outcome.name: outcome for outcome in kept + done}
        outcomes = [by_name[step.name] for step in self.standing.variants]
        self.standing = _with_variants(self.standing, outcomes)
        return outcomes

    def choose(self) -> Selection:
        """Compare what was trained on val, and measure latencies; the test stays closed."""
        self._need_variants()
        with self._alone():
            self._advance(Role.SELECTION)
        return self._chosen()

    def decide(self) -> Publication:
        """Compare what was trained and decide; writes decision.md and decision.json."""
        self._need_variants()
        with self._alone():
            for role, step in STEPS.items():
                if step.command in ("choose", "decide"):
                    self._advance(role)
        return self.publish()

    def register(self) -> Publication:
        """Carry the decision out in the Model Registry.

        Raises:
            MissingRunsError: there is no decision.
            PromotionError: what the decision rests on has changed since.
        """
        self._need_variants()
        if Role.DECISION not in self.standing.runs:
            # Registration says what has changed since the newest one was made.
            study = self.file.study
            newest = latest(self.client, study.experiment, study.name, Role.DECISION)
            runs = {**self.standing.runs, Role.DECISION: newest.info.run_id}
            self.standing = replace(self.standing, runs=runs)
        with self._alone():
            self._advance(Role.REGISTRATION)
        return self.publish()

    def canary(self) -> Publication:
        """Test the staged version on the canary and carry the verdict out in the registry.

        Nothing is tested if nothing was registered, or if the study has no canary. A version that
        has left Staging keeps the canary it had: its champion was that of its time.

        Raises:
            MissingRunsError: there is no registration.
            PromotionError: the canary cannot be run.
        """
        if Role.REGISTRATION not in self.standing.runs:
            raise MissingRunsError(self._missing("registration", "register"))
        number = self._registration().version
        rules = self.file.study.canary
        if number is None or rules is None:
            return self.publish()
        recover(self.registered)
        staged = aliases(self.registered).get(STAGING)
        if staged == number or Role.CANARY not in self.standing.runs:
            with self._alone():
                self._advance(
                    Role.CANARY,
                    version=number,
                    champion=champion_of(self.registered, number),
                    dataset=prepare(rules.dataset, self.home).manifest.digest,
                )
        return self.publish()

    def decision(self) -> Publication:
        """The decision on what is there now, with what came of it so far.

        Raises:
            MissingRunsError: there is none.
        """
        return publish(*self._found())

    def publish(self) -> Publication:
        """Write decision.md and decision.json as things stand now."""
        return self._publish(self._found())

    def _publish(self, found: _Found) -> Publication:
        publication = publish(*found)
        document = write_document(publication, found.evidence, self.file.study)
        write_home(self.home, publication, document)
        return publication

    def book(self, languages: Sequence[str] = LANGUAGES, solutions: bool = False) -> Path:
        """Build the book from the run of each step; return the first language's index.html.

        With `solutions` it is the teacher's, which holds the answers to the lab's questions.
        """
        runs = self.standing.runs
        written, files, sheets = {}, {}, {}
        pictures: Sequence[Path] = ()
        verdict, decided = "none", ""
        if Role.DECISION in runs:
            found = self._found()
            verdict = self._publish(found).verdict
            decided = self._day_of(runs[Role.DECISION])
            gallery = self._gallery(found.evidence)
            pictures = gallery.paths
            for language in languages:
                with in_language(language):
                    told = publish(*found), found.evidence, self.file.study
                    written[language] = {
                        "decision": write_document(*told),
                        "summary": write_summary(*told),
                        "pictures": write_gallery(gallery),
                    }
                    files[language] = write_files(*told)
                    sheets[language] = write_sheet(*told)
        pages = Pages(
            steps={STEPS[role].chapter: run_id for role, run_id in runs.items()},
            variants=self.standing.trained,
            failed=self.standing.failed,
            roles=self._roles() if Role.SELECTION in runs else {},
            picture=runs.get(Role.DIAGNOSIS, "") if written else "",
            written=written,
            pictures=pictures,
            verdict=verdict,
            decided=decided,
            files=files,
            sheets=sheets,
        )
        return build_book(self.client, self.file.study, self.home, pages, languages, solutions)

    def _gallery(self, evidence: Evidence) -> Gallery:
        session = Session(self.file.study, self.home, self.client, run_id="")
        return load_gallery(session, evidence)

    def _roles(self) -> dict[str, str]:
        """The runs that the selection chose to compare, and what each is."""
        chosen = self._chosen()
        return {chosen.candidate_run: "candidate", chosen.baseline_run: "baseline"}

    def _chosen(self) -> Selection:
        run_id = self.standing.runs[Role.SELECTION]
        return load_fact(self.client, run_id, Artifact.SELECTION, Chosen).selection

    def _day_of(self, run_id: str) -> str:
        """The day on which a run ended, in ISO 8601 and in Coordinated Universal Time."""
        ended = self.client.get_run(run_id).info.end_time
        return datetime.fromtimestamp(ended / 1000, UTC).date().isoformat()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Work in the home while nobody else does; what a killed process left is closed first.

        Whatever stops the work, no process and no run of it is left behind.
        """
        experiment = self.file.study.experiment
        with only_one(self.home):
            close_interrupted(self.client, experiment, self.home)
            try:
                yield
            except BaseException:
                end_children()
                # A store that is out of reach is the reason itself; the next start closes the runs.
                with suppress(MlflowException, OSError):
                    close_interrupted(self.client, experiment, self.home)
                raise

    def _advance(self, role: str, **known: object) -> None:
        """Do a step unless it is done, and bring the standing on."""
        step = plan(role, self.file.study, self.standing, **known)
        kept = self.standing.complete.get(step.fingerprint)
        if kept is not None:
            outcome = Outcome(step.name, role, "kept", kept)
        else:
            outcome = run_step(self.client, self.file, step, self.home)
        self.report(outcome)
        raise_if_failed([outcome])
        self.standing = self.standing.after(outcome, role)

    def _found(self) -> _Found:
        """What stands now of the decision and of what came of it."""
        runs = self.standing.runs
        if Role.DECISION not in runs:
            raise MissingRunsError(self._missing("decision", "decide"))
        session = Session(self.file.study, self.home, self.client, runs[Role.DECISION])
        decision, evidence = load_decision(session, runs[Role.DECISION])
        registration = self._registration() if Role.REGISTRATION in runs else None
        number = registration.version if registration else None
        canary = None
        if Role.CANARY in runs:
            canary = load_fact(self.client, runs[Role.CANARY], Artifact.CANARY, CanaryResult)
        place = place_of(self.registered, number) if number else "none"
        return _Found(decision, evidence, registration, canary, place)

    def _registration(self) -> Registration:
        run_id = self.standing.runs[Role.REGISTRATION]
        return load_fact(self.client, run_id, Artifact.REGISTRATION, Registration)

    def _need_variants(self) -> None:
        if not self.standing.trained:
            raise MissingRunsError(
                f"no variant of study {self.file.study.name} is trained with the current data and "
                "code; run `python -m promotion run` first"
            )

    def _missing(self, what: str, command: str) -> str:
        return (
            f"study {self.file.study.name} has no {what} on its current data, runs and policy; "
            f"run `python -m promotion {command}` first"
        )


def _registered(study: Study, client: MlflowClient) -> RegisteredModel:
    return RegisteredModel(client, study.model.registered_name)


def _order(role: str) -> int:
    return list(STEPS).index(role)


def _newest_by(runs: list[Run], tag: str) -> dict[str, str]:
    """Run ids by a tag's value; of several runs the newest, which comes first."""
    return {run.data.tags[tag]: run.info.run_id for run in reversed(runs) if tag in run.data.tags}


def _failures(client: MlflowClient, study: Study, trained: set[str]) -> dict[str, str]:
    """The newest failed run of each variant that has no complete one."""
    tags = {Tag.STUDY: study.name, Tag.ROLE: Role.VARIANT}
    return {
        run.info.run_name: run.info.run_id
        for run in reversed(search(client, study.experiment, tags))
        if Tag.ERROR in run.data.tags and run.info.run_name not in trained
    }


def _with_variants(standing: Standing, outcomes: list[Outcome]) -> Standing:
    """The standing after a batch: other runs make another comparison."""
    trained = {o.name: o.run_id for o in outcomes if o.status != "failed"}
    failed = {o.name: o.run_id for o in outcomes if o.status == "failed"}
    if trained == standing.trained:
        return replace(standing, failed=failed)
    runs = {role: run for role, run in standing.runs.items() if role == Role.DATASET}
    return replace(standing, trained=trained, failed=failed, runs=runs)
