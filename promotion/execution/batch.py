"""The batch: every variant of the grid that is not trained yet, some at once."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from joblib import Parallel, cpu_count, delayed
from joblib.externals.loky.process_executor import TerminatedWorkerError

from promotion.errors import PromotionError
from promotion.execution.backends import Backend, use_backend
from promotion.execution.fingerprint import fingerprint, measuring_code
from promotion.execution.lifetime import end_with
from promotion.execution.step import Outcome, Step, StudyFile, run_step
from promotion.locks import alone
from promotion.store import Role, Tag, connect, library_versions
from promotion.study import Study


def variant_steps(study: Study, notebook: Path, dataset: str, start: str) -> list[Step]:
    """The trainings of all variants, in the order of the grid.

    `dataset` is the dataset's digest and `start` the SHA-256 of the starting weights.
    """
    code = measuring_code(notebook)
    shared = {
        "dataset": dataset,
        "start": start,
        "training": study.training.model_dump(),
        "operating_point": study.policy.operating_point.model_dump(),
        "libraries": library_versions(),
    }
    return [
        Step(
            role=Role.VARIANT,
            name=variant.run_name,
            notebook=notebook,
            fingerprint=fingerprint(
                Role.VARIANT, notebook, code, parameters=variant.parameters, **shared
            ),
            parameters=dict(variant.parameters),
            tags={
                Tag.CONFIGURATION: variant.configuration,
                Tag.DATASET_DIGEST: dataset,
                Tag.START_SHA256: start,
                Tag.TRAINING_CODE: code,
            },
        )
        for variant in study.variants
    ]


def run_variants(
    file: StudyFile,
    steps: Sequence[Step],
    home: Path,
    jobs: int,
    backend: Backend,
    report: Callable[[Outcome], None],
) -> list[Outcome]:
    """Train these variants, `jobs` at a time, in any order.

    A failed variant stops no other. `report` is called with each outcome as it comes.

    Raises:
        PromotionError: a worker process was killed, which ends the batch.
    """
    jobs = min(jobs, len(steps))
    threads = max(1, cpu_count() // jobs)
    # Ray's back end cannot hand results over one by one.
    return_as = "list" if backend == "ray" else "generator_unordered"
    outcomes = []
    with use_backend(backend, jobs):
        work = Parallel(n_jobs=jobs, return_as=return_as)(
            delayed(_run_variant)(file, step, home, threads, os.getpid()) for step in steps
        )
        try:
            for outcome in work:
                outcomes.append(outcome)
                report(outcome)
        except TerminatedWorkerError:
            raise PromotionError(
                "a worker process was killed, by hand or for want of memory; finished variants are "
                "kept: run the same command to go on, with fewer --jobs if memory is short"
            ) from None
    return outcomes


def default_jobs(variants: int) -> int:
    """As many variants at once as there are cores."""
    return max(1, min(int(cpu_count()), variants))


@contextmanager
def only_one(home: Path) -> Iterator[None]:
    """Hold the home's lock: two batches in one home would train the same variant twice.

    Raises:
        LockedError: another process holds it.
    """
    home.mkdir(parents=True, exist_ok=True)
    with alone(home / "run.lock", patience_s=0):
        # Whatever a killed batch left half-way to MLflow is of no use to anyone.
        shutil.rmtree(home / "scratch", ignore_errors=True)
        yield


def _run_variant(file: StudyFile, step: Step, home: Path, threads: int, driver: int) -> Outcome:
    """Train one variant in a worker process; of this machine's, none outlives the driver."""
    if os.getppid() == driver:
        end_with(driver)
    client = connect(home, file.study.experiment)
    step = replace(step, parameters={**step.parameters, "threads": threads})
    return run_step(client, file, step, home)
