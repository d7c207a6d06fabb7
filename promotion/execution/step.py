"""One step: its notebook, executed by papermill in a kernel of its own, and how that went."""

from __future__ import annotations

import os
import shutil
import time
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import Literal

import papermill
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient
from nbclient.exceptions import CellTimeoutError, DeadKernelError

from promotion.errors import PromotionError, mend
from promotion.paths import HOME_VARIABLE, ROOT
from promotion.store import Artifact, Tag, log_bytes, search, set_tags, start_run
from promotion.study import Study

Status = Literal["done", "kept", "failed"]

KERNEL_STARTS = 3
# A cell that gives no answer for so long hangs; a training that takes longer needs it longer.
CELL_SECONDS_VARIABLE = "PROMOTION_CELL_SECONDS"
CELL_SECONDS = 6 * 60 * 60
# A kernel logs that it talks over loopback and that it was stopped; its crashes print anyway.
QUIET_KERNEL = ["--log-level=CRITICAL"]
INTERRUPTED = "interrupted"


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
    notebook: Path
    fingerprint: str
    parameters: dict[str, object] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """How a step went: done now, kept from before, or failed (and why)."""

    name: str
    role: str
    status: Status
    run_id: str
    seconds: float = 0.0
    error: str = ""


def run_step(client: MlflowClient, file: StudyFile, step: Step, home: Path) -> Outcome:
    """Execute a step's notebook with papermill.

    The executed notebook becomes an artifact of its run; after a failure the partial notebook and
    the traceback do, and the run is marked as failed.
    """
    tags = {
        Tag.ROLE: step.role,
        Tag.HOME: str(home),
        Tag.STUDY: file.study.name,
        Tag.FINGERPRINT: step.fingerprint,
        Tag.SOURCE: f"notebooks/{step.notebook.name}",
        **step.tags,
    }
    run_id = start_run(client, file.study.experiment, step.name, tags)
    executed = home / "notebooks" / file.study.name / f"{step.name}.ipynb"
    executed.parent.mkdir(parents=True, exist_ok=True)
    began = time.perf_counter()
    try:
        # The kernel finds the home in its environment, as a notebook run by hand does.
        os.environ[HOME_VARIABLE] = str(home)
        _execute(file, step, executed, run_id)
    except Exception as error:
        shutil.rmtree(home / "scratch" / run_id, ignore_errors=True)
        # A store that is out of reach must not take the other variants down with this one.
        with suppress(MlflowException, OSError):
            _keep_failure(client, run_id, executed, error)
        seconds = time.perf_counter() - began
        return Outcome(step.name, step.role, "failed", run_id, seconds, _in_one_line(error))
    log_bytes(client, run_id, Artifact.NOTEBOOK, executed.read_bytes())
    set_tags(client, run_id, {Tag.COMPLETE: "true"})
    client.set_terminated(run_id, "FINISHED")
    return Outcome(step.name, step.role, "done", run_id, time.perf_counter() - began)


def cell_seconds() -> int:
    """How long a cell may take, in seconds: PROMOTION_CELL_SECONDS, else six hours.

    Raises:
        PromotionError: the variable holds no whole number above 0.
    """
    given = os.environ.get(CELL_SECONDS_VARIABLE) or str(CELL_SECONDS)
    if not given.isdecimal() or int(given) < 1:
        raise PromotionError(f"{CELL_SECONDS_VARIABLE} is {given!r}: a whole number of seconds")
    return int(given)


def close_interrupted(client: MlflowClient, experiment: str, home: Path) -> None:
    """Mark runs that a killed batch of this home left running; MLflow would show them for ever."""
    for run in search(client, experiment, {Tag.HOME: str(home)}, status="RUNNING"):
        if Tag.COMPLETE in run.data.tags:
            # A finished run that a registration had opened again.
            client.set_terminated(run.info.run_id, "FINISHED")
            continue
        set_tags(client, run.info.run_id, {Tag.ERROR: INTERRUPTED})
        client.set_terminated(run.info.run_id, "KILLED")


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


def _execute(file: StudyFile, step: Step, executed: Path, run_id: str) -> None:
    """Execute a notebook with papermill, in a kernel of its own.

    Kernels that start at once may be given the same port; the one that loses dies before its first
    answer, and is started again.
    """
    parameters = {
        "study": str(file.path),
        "overrides": list(file.overrides),
        "run_id": run_id,
        **step.parameters,
    }
    for attempt in range(1, KERNEL_STARTS + 1):
        try:
            _beside_the_main_thread(
                papermill.execute_notebook,
                str(step.notebook),
                str(executed),
                parameters=parameters,
                kernel_name="python3",
                progress_bar=False,
                cwd=str(ROOT),
                extra_arguments=QUIET_KERNEL,
                execution_timeout=cell_seconds(),
                # A kernel that has said all it had to say needs no time to take its leave.
                shutdown_kernel="immediate",
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


def _keep_failure(client: MlflowClient, run_id: str, executed: Path, error: Exception) -> None:
    if executed.exists():
        log_bytes(client, run_id, Artifact.NOTEBOOK, executed.read_bytes())
    lines = "".join(traceback.format_exception(error))
    log_bytes(client, run_id, Artifact.TRACEBACK, lines.encode())
    set_tags(client, run_id, {Tag.ERROR: _in_one_line(error)})
    client.set_terminated(run_id, "FAILED")


def _in_one_line(error: Exception) -> str:
    """The error of the notebook's cell, not papermill's account of it."""
    if isinstance(error, CellTimeoutError):
        return (
            f"a cell gave no answer within {cell_seconds()} s; if it was at work, "
            f"{CELL_SECONDS_VARIABLE} gives it longer"
        )
    if isinstance(error, DeadKernelError):
        return (
            "its kernel was killed, by hand or for want of memory; run the same command again, "
            "with fewer --jobs if memory is short"
        )
    if isinstance(error, papermill.PapermillExecutionError):
        line = f"{error.ename}: {error.evalue}".splitlines()[0]
    else:
        line = f"{type(error).__name__}: {error}".splitlines()[0]
    return f"{line}; {help}" if (help := mend(line)) else line
