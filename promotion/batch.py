"""Runs the notebooks: papermill over the grid, some at once, nothing twice."""

from __future__ import annotations

import hashlib
import importlib.util
import shutil
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import Literal

import nbformat
import papermill
from filelock import FileLock, Timeout
from joblib import Parallel, cpu_count, delayed, parallel_config
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from promotion import tracking
from promotion.checkpoints import starting_weights
from promotion.checksums import code_digest, digest_of, sha256_of
from promotion.datasets import PreparedDataset, prepare
from promotion.errors import PromotionError
from promotion.study import ROOT, Study, Variant
from promotion.texts import text
from promotion.tracking import Artifact, Role, Tag

Backend = Literal["loky", "dask", "ray"]
Status = Literal["running", "done", "kept", "failed"]

PACKAGE = ROOT / "promotion"
NOTEBOOKS = {
    Role.DATASET: ROOT / "notebooks" / "1_dataset.ipynb",
    Role.VARIANT: ROOT / "notebooks" / "2_train.ipynb",
    Role.COMPARISON: ROOT / "notebooks" / "3_compare.ipynb",
    Role.DECISION: ROOT / "notebooks" / "4_decide.ipynb",
    Role.REGISTRATION: ROOT / "notebooks" / "5_register.ipynb",
    Role.CANARY: ROOT / "notebooks" / "6_canary.ipynb",
}
KERNEL_STARTS = 3
# A kernel logs that it talks over loopback and that it was stopped; its crashes print anyway.
QUIET_KERNEL = ["--log-level=CRITICAL"]
# What a training's result depends on; a change elsewhere (a plot, a text) trains nothing anew.
TRAINING_CODE = tuple(
    PACKAGE / name
    for name in (
        "training.py",
        "detector.py",
        "evaluation.py",
        "matching.py",
        "costs.py",
    )
)
# The other steps take seconds: any change of the code or of a template does them again.
ALL_CODE = (PACKAGE, *sorted((ROOT / "book" / "templates").glob("*.j2")))


@dataclass(frozen=True)
class StudyFile:
    """A study with the file and the overrides it came from, which the notebooks read again."""

    study: Study
    path: Path
    overrides: tuple[str, ...] = ()


@dataclass(frozen=True)
class Step:
    """One notebook to execute, and the fingerprint of everything its result depends on."""

    role: str
    name: str
    fingerprint: str
    parameters: dict[str, object] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """How a step went: done now, kept from before, or failed (and why)."""

    name: str
    status: Status
    run_id: str
    seconds: float = 0.0
    error: str = ""


def notebook_code(path: Path) -> str:
    """The SHA-256 of a notebook's code cells; its prose may change without consequence."""
    cells = nbformat.read(path, as_version=4).cells
    code = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
    return hashlib.sha256(code.encode()).hexdigest()


def fingerprint(role: str, **facts: object) -> str:
    """The digest of a step's inputs, its code and its notebook."""
    code = code_digest(TRAINING_CODE if role == Role.VARIANT else ALL_CODE)
    return digest_of(
        {"role": role, "code": code, "notebook": notebook_code(NOTEBOOKS[role]), **facts}
    )


def variant_step(study: Study, variant: Variant, dataset_digest: str, start_sha256: str) -> Step:
    """The training of one variant."""
    return Step(
        role=Role.VARIANT,
        name=variant.run_name,
        fingerprint=fingerprint(
            Role.VARIANT,
            dataset=dataset_digest,
            start=start_sha256,
            parameters=variant.parameters,
            training=study.training.model_dump(),
            operating_point=study.policy.operating_point.model_dump(),
            libraries=tracking.library_versions(),
        ),
        parameters=dict(variant.parameters),
        tags={
            Tag.CONFIGURATION: variant.configuration,
            Tag.DATASET_DIGEST: dataset_digest,
            Tag.START_SHA256: start_sha256,
            Tag.TRAINING_CODE: code_digest(TRAINING_CODE),
        },
    )


def default_jobs(variants: int) -> int:
    """As many variants at once as there are cores."""
    return max(1, min(int(cpu_count()), variants))


@contextmanager
def only_one(home: Path) -> Iterator[None]:
    """Hold the home's lock: two batches in one home would train the same variant twice.

    Raises:
        PromotionError: another batch is at work here.
    """
    home.mkdir(parents=True, exist_ok=True)
    lock = FileLock(home / "run.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise PromotionError(
            f"another `promotion` is at work in {home}; wait for it, or use another --home"
        ) from None
    try:
        # Whatever a killed batch left half-way to MLflow is of no use to anyone.
        shutil.rmtree(home / "scratch", ignore_errors=True)
        yield
    finally:
        lock.release()


def run_dataset(file: StudyFile, home: Path) -> tuple[PreparedDataset, Outcome]:
    """Make the study's dataset and execute `1_dataset` on it."""
    client = tracking.connect(home, file.study.experiment)
    dataset = prepare(file.study.dataset, home)
    digest = dataset.manifest.digest
    step = Step(
        role=Role.DATASET,
        name=f"dataset_{digest[:12]}",
        fingerprint=fingerprint(Role.DATASET, dataset=digest, study=file.study.name),
        tags={Tag.DATASET_DIGEST: digest},
    )
    return dataset, run_step(client, file, step, home)


def run_variants(
    file: StudyFile,
    home: Path,
    jobs: int,
    backend: Backend = "loky",
    report: Callable[[Outcome], None] = lambda outcome: None,
) -> list[Outcome]:
    """Train every variant that has no complete run with its fingerprint, `jobs` at a time.

    A failed variant stops no other. `report` is called with each outcome as it comes.
    """
    study = file.study
    client = tracking.connect(home, study.experiment)
    steps = variant_steps(file, home)
    outcomes = []
    waiting = []
    for step in steps:
        run = tracking.find_complete(client, study.experiment, step.fingerprint)
        if run is None:
            waiting.append(step)
        else:
            outcomes.append(Outcome(step.name, "kept", run.info.run_id))
            report(outcomes[-1])
    if waiting:
        jobs = min(jobs, len(waiting))
        threads = max(1, cpu_count() // jobs)
        # Ray's back end cannot hand results over one by one.
        return_as = "list" if backend == "ray" else "generator_unordered"
        with _backend(backend, jobs):
            work = Parallel(n_jobs=jobs, return_as=return_as)(
                delayed(_run_variant)(file, step, home, threads) for step in waiting
            )
            for outcome in work:
                outcomes.append(outcome)
                report(outcome)
    order = {step.name: number for number, step in enumerate(steps)}
    return sorted(outcomes, key=lambda outcome: order[outcome.name])


def variant_steps(file: StudyFile, home: Path) -> list[Step]:
    """The steps of all variants, in the order of the grid."""
    digest = prepare(file.study.dataset, home).manifest.digest
    start = sha256_of(starting_weights(file.study.model, home))
    return [variant_step(file.study, variant, digest, start) for variant in file.study.variants]


def check_backend(backend: Backend) -> None:
    """Make sure that joblib's back end can be used; dask and ray are optional packages.

    Raises:
        PromotionError: its package is not installed.
    """
    package = {"loky": "joblib", "dask": "distributed", "ray": "ray"}[backend]
    if importlib.util.find_spec(package) is None:
        raise PromotionError(
            f"--backend {backend}: {package} is not installed; pip install 'promotion[{backend}]'"
        )


@contextmanager
def _backend(backend: Backend, jobs: int) -> Iterator[None]:
    """Use joblib's back end of this name."""
    if backend == "dask":
        from dask.distributed import Client

        with Client(n_workers=jobs, threads_per_worker=1), parallel_config(backend="dask"):
            yield
        return
    if backend == "ray":
        from ray.util.joblib import register_ray

        register_ray()
    with parallel_config(backend=backend):
        yield


def _run_variant(file: StudyFile, step: Step, home: Path, threads: int) -> Outcome:
    """Train one variant in a worker process."""
    client = tracking.connect(home, file.study.experiment)
    return run_step(client, file, step, home, threads=threads)


def run_step(
    client: MlflowClient, file: StudyFile, step: Step, home: Path, **parameters: object
) -> Outcome:
    """Execute a step's notebook with papermill, unless a complete run has its fingerprint.

    The executed notebook becomes an artifact of its run; after a failure the partial notebook and
    the traceback do, and the run is marked as failed.
    """
    experiment = file.study.experiment
    kept = tracking.find_complete(client, experiment, step.fingerprint)
    if kept is not None:
        return Outcome(step.name, "kept", kept.info.run_id)
    _close_interrupted(client, experiment, step, home)
    tags = {
        Tag.ROLE: step.role,
        Tag.HOME: str(home),
        Tag.STUDY: file.study.name,
        Tag.FINGERPRINT: step.fingerprint,
        Tag.SOURCE: f"notebooks/{NOTEBOOKS[step.role].name}",
        **step.tags,
    }
    run_id = tracking.start_run(client, experiment, step.name, tags)
    executed = home / "notebooks" / file.study.name / f"{step.name}.ipynb"
    executed.parent.mkdir(parents=True, exist_ok=True)
    began = time.perf_counter()
    try:
        parameters = {"home": str(home), "run_id": run_id, **step.parameters, **parameters}
        _execute(file, NOTEBOOKS[step.role], executed, parameters)
    except Exception as error:
        shutil.rmtree(home / "scratch" / run_id, ignore_errors=True)
        # A store that is out of reach must not take the other variants down with this one.
        with suppress(MlflowException, OSError):
            _keep_failure(client, run_id, executed, error)
        seconds = time.perf_counter() - began
        return Outcome(step.name, "failed", run_id, seconds, _in_one_line(error))
    tracking.log_bytes(client, run_id, Artifact.NOTEBOOK, executed.read_bytes())
    tracking.set_tags(client, run_id, {Tag.COMPLETE: "true"})
    client.set_terminated(run_id, "FINISHED")
    return Outcome(step.name, "done", run_id, time.perf_counter() - began)


def _execute(
    file: StudyFile, notebook: Path, executed: Path, parameters: dict[str, object]
) -> None:
    """Execute a notebook with papermill, in a kernel of its own.

    Kernels that start at once may be given the same port; the one that loses dies before its first
    answer, and is started again.
    """
    study = {"study": str(file.path), "overrides": list(file.overrides)}
    for attempt in range(1, KERNEL_STARTS + 1):
        try:
            _beside_the_main_thread(
                papermill.execute_notebook,
                str(notebook),
                str(executed),
                parameters={**study, **parameters},
                kernel_name="python3",
                progress_bar=False,
                cwd=str(ROOT),
                extra_arguments=QUIET_KERNEL,
            )
            return
        except RuntimeError as error:
            if "Kernel died before replying" not in str(error) or attempt == KERNEL_STARTS:
                raise


def _beside_the_main_thread(call: Callable[..., object], *positional: str, **named: object) -> None:
    """Run a call in a thread, so that the main thread can be interrupted.

    In the main thread nbclient takes SIGINT and SIGTERM for itself: an interrupt would pass for a
    notebook that failed, or would be lost between two notebooks.
    """
    ended: Future[None] = Future()

    def work() -> None:
        try:
            call(*positional, **named)
        except BaseException as error:
            ended.set_exception(error)
        else:
            ended.set_result(None)

    Thread(target=work, daemon=True).start()
    ended.result()


def _close_interrupted(client: MlflowClient, experiment: str, step: Step, home: Path) -> None:
    """Mark runs that a killed batch of this home left running; MLflow would show them for ever."""
    mine = {Tag.FINGERPRINT: step.fingerprint, Tag.HOME: str(home)}
    for run in tracking.search(client, experiment, mine):
        if run.info.status == "RUNNING":
            tracking.set_tags(client, run.info.run_id, {Tag.ERROR: text("run.interrupted")})
            client.set_terminated(run.info.run_id, "KILLED")


def _keep_failure(client: MlflowClient, run_id: str, executed: Path, error: Exception) -> None:
    if executed.exists():
        tracking.log_bytes(client, run_id, Artifact.NOTEBOOK, executed.read_bytes())
    text = "".join(traceback.format_exception(error))
    tracking.log_bytes(client, run_id, Artifact.TRACEBACK, text.encode())
    tracking.set_tags(client, run_id, {Tag.ERROR: _in_one_line(error)})
    client.set_terminated(run_id, "FAILED")


def _in_one_line(error: Exception) -> str:
    """The error of the notebook's cell, not papermill's account of it."""
    if isinstance(error, papermill.PapermillExecutionError):
        return f"{error.ename}: {error.evalue}".splitlines()[0]
    return f"{type(error).__name__}: {error}".splitlines()[0]


def raise_if_failed(outcomes: Sequence[Outcome]) -> None:
    """Stop the flow after a failed step.

    Raises:
        PromotionError: one line a failed step.
    """
    failed = [outcome for outcome in outcomes if outcome.status == "failed"]
    if failed:
        raise PromotionError(
            "\n".join(f"{outcome.name} failed: {outcome.error}" for outcome in failed)
        )
