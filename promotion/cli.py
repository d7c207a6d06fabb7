"""The command line: thin commands over the flow, with progress, one-line errors and exit codes."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import mlflow
import typer
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Column, Table

from promotion import registry, tracking
from promotion.audit import audit as run_audit
from promotion.batch import Backend, Outcome, StudyFile, default_jobs
from promotion.decision import EXIT_CODES, Decision
from promotion.errors import PromotionError, RegistryError
from promotion.experiment import Experiment
from promotion.flow import Flow
from promotion.foreign import read_experiment
from promotion.registry import Event
from promotion.study import load_study
from promotion.tracking import VersionTag

app = typer.Typer(
    help="Decide whether an object-detection model is promoted, and write the decision up.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
console = Console()
errors = Console(stderr=True)

INTERRUPTED = 130

StudyOption = Annotated[Path, typer.Option("--study", help="The study file.")]
SetOption = Annotated[
    list[str],
    typer.Option(
        "--set", metavar="KEY=VALUE", help="Override a key of the study, as in grid.seed=[1,2,3]."
    ),
]
HomeOption = Annotated[
    Path | None,
    typer.Option(
        "--home", envvar=tracking.HOME_VARIABLE, help="Where the state lives. [default: .promotion]"
    ),
]
JobsOption = Annotated[
    int | None, typer.Option("--jobs", min=1, help="Variants at once. [default: the cores]")
]
BackendOption = Annotated[Backend, typer.Option("--backend", help="joblib's back end.")]
DebugOption = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]

WhyOption = Annotated[str, typer.Option("--why", help="The reason, for the record.")]

PLACES = {
    "staging": "in Staging",
    "production": "in Production",
    "left": "no longer in Production",
    "none": "neither in Staging nor in Production",
}
NO_REASON = "no reason given"
DEFAULT_STUDY = Path("studies/default.yaml")


@contextmanager
def _one_line_errors(debug: bool) -> Iterator[None]:
    """Print what the user can mend in one line, and leave with the error's exit code."""
    _quieten()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    except PromotionError as error:
        if debug:
            traceback.print_exc()
        for line in str(error).splitlines():
            _print_error(line)
        raise typer.Exit(error.exit_code) from None
    except (typer.Exit, typer.Abort):
        raise
    except MlflowException as error:
        if debug:
            raise
        reason = str(error).splitlines()[0][:200]
        mend = "what was begun is finished by the same command, once MLflow answers"
        _print_error(f"MLflow at {mlflow.get_tracking_uri()} failed: {reason}; {mend}")
        raise typer.Exit(1) from None
    except Exception as error:
        if debug:
            raise
        reason = str(error).splitlines()[0] if str(error) else "no message"
        _print_error(f"unexpected {type(error).__name__}: {reason}; --debug shows the traceback")
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        errors.print("interrupted: finished variants are kept; run the same command to go on")
        raise typer.Exit(INTERRUPTED) from None


def _say(line: str) -> None:
    """Print a line whole: a path that is broken in two cannot be copied."""
    console.print(line, highlight=False, soft_wrap=True)


def _table(*names: str) -> Table:
    """An empty table whose cells are folded, never cut."""
    return Table(*(Column(name, overflow="fold") for name in names))


def _print_error(line: str) -> None:
    errors.print(f"[red]error:[/red] {escape(line)}", soft_wrap=True, highlight=False)


def _quieten() -> None:
    """Keep the libraries' own chatter off the screen; --debug shows what matters."""
    warnings.filterwarnings("ignore")
    os.environ.setdefault("PYTHONWARNINGS", "ignore")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
    for name in ("mlflow", "alembic", "papermill", "codecarbon", "distributed"):
        logging.getLogger(name).setLevel(logging.ERROR)


def _open(
    study: Path, overrides: list[str], home: Path | None, progress: BatchDisplay | None = None
) -> Flow:
    place = (home or tracking.default_home()).resolve()
    # Notebooks and their kernels find the home here.
    os.environ[tracking.HOME_VARIABLE] = str(place)
    path = study.resolve() if study.exists() else study
    file = StudyFile(load_study(path, overrides), path, tuple(overrides))
    return Flow(file, place, progress.report if progress else lambda outcome: None)


class BatchDisplay:
    """A live line for the batch: variants done, running, failed, and the time left."""

    def __init__(self) -> None:
        self.progress = Progress(
            TextColumn("[bold]{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[state]}"),
            TimeElapsedColumn(),
            console=console,
        )
        self.task: TaskID | None = None
        self.total = self.jobs = self.kept = self.done = self.failed = 0
        self.seconds = 0.0

    @contextmanager
    def batch(self, variants: int, jobs: int) -> Iterator[None]:
        """Show the batch while it runs."""
        self.total, self.jobs = variants, jobs
        with self.progress:
            self.task = self.progress.add_task(
                "variants", total=variants, state="preparing the data"
            )
            yield
            self.task = None

    def report(self, outcome: Outcome) -> None:
        """Print how a step went and count it."""
        mark = {
            "done": "[green]done[/green]",
            "kept": "[cyan]kept[/cyan]",
            "failed": "[red]failed[/red]",
        }
        line = f"{mark[outcome.status]} {escape(outcome.name)}"
        if outcome.seconds:
            line += f" ({outcome.seconds:.0f} s)"
        if outcome.error:
            line += f": {escape(outcome.error)}"
        self.progress.console.print(line, highlight=False, soft_wrap=True)
        if self.task is None or outcome.name.startswith("dataset_"):
            return
        self.kept += outcome.status == "kept"
        self.done += outcome.status == "done"
        self.failed += outcome.status == "failed"
        self.seconds += outcome.seconds
        self.progress.update(self.task, advance=1, state=self._state())

    def _state(self) -> str:
        ended = self.kept + self.done + self.failed
        left = self.total - ended
        running = min(self.jobs, left)
        state = (
            f"{self.done + self.kept}/{self.total} done, {running} running, {self.failed} failed"
        )
        trained = self.done + self.failed
        if trained and left:
            remaining = self.seconds / trained * left / max(1, running)
            state += f", about {remaining / 60:.0f} min left"
        return state


def _train(flow: Flow, display: BatchDisplay, jobs: int | None, backend: Backend) -> list[Outcome]:
    variants = len(flow.file.study.variants)
    jobs = jobs or default_jobs(variants)
    with display.batch(variants, jobs):
        outcomes = flow.run(jobs, backend)
    counts = [sum(o.status == s for o in outcomes) for s in ("done", "kept", "failed")]
    _say("{} trained, {} kept from before, {} failed".format(*counts))
    return outcomes


def _show(decision: Decision) -> None:
    colour = {"promote": "green", "reject": "red", "inconclusive": "yellow"}[decision.verdict]
    _say(f"verdict: [bold {colour}]{decision.verdict}[/]")
    _say(f"candidate: {decision.candidate.run_name}")
    _say(f"baseline:  {decision.baseline.run_name}")


def _show_place(decision: Decision) -> None:
    """Say where the decision's version stands, and why."""
    if decision.model_version is None:
        _say(f"nothing registered: the verdict is {decision.verdict}")
        return
    name = f"{tracking.REGISTERED_MODEL} version {decision.model_version}"
    canary = decision.canary
    if canary is None:
        _say(f"{name}: {PLACES[decision.place]}; no canary yet")
        return
    seen = f"canary {canary.verdict} after {canary.last.images} images"
    against = f"against {canary.champion}"
    _say(f"{name}: {PLACES[decision.place]}; {seen}, {against}")


def _show_event(event: Event) -> None:
    production = event.after.get(registry.PRODUCTION, "none")
    _say(f"{event.action}: version {event.version}")
    _say(f"in Production: version {production}")
    _say("`promotion book` shows it in the book")


def _exit_if_failed(outcomes: list[Outcome]) -> None:
    if any(outcome.status == "failed" for outcome in outcomes):
        raise typer.Exit(1)


@app.command()
def report(
    study: StudyOption = DEFAULT_STUDY,
    overrides: SetOption = [],  # noqa: B006
    home: HomeOption = None,
    jobs: JobsOption = None,
    backend: BackendOption = "loky",
    debug: DebugOption = False,
) -> None:
    """Run the whole flow: train, compare, decide, register, test, and build the book."""
    with _one_line_errors(debug):
        display = BatchDisplay()
        flow = _open(study, overrides, home, display)
        outcomes = _train(flow, display, jobs, backend)
        with console.status("comparing and deciding"):
            flow.decide()
        with console.status("registering"):
            flow.register()
        with console.status("canary"):
            decision = flow.canary()
        with console.status("building the book"):
            index = flow.book()
        _show(decision)
        _show_place(decision)
        _say(f"document: {flow.home / 'decision.md'}")
        _say(f"book: {index}")
    _exit_if_failed(outcomes)


@app.command()
def run(
    study: StudyOption = DEFAULT_STUDY,
    overrides: SetOption = [],  # noqa: B006
    home: HomeOption = None,
    jobs: JobsOption = None,
    backend: BackendOption = "loky",
    debug: DebugOption = False,
) -> None:
    """Train every variant of the study that is not trained yet."""
    with _one_line_errors(debug):
        display = BatchDisplay()
        outcomes = _train(_open(study, overrides, home, display), display, jobs, backend)
    _exit_if_failed(outcomes)


@app.command()
def decide(
    study: StudyOption = DEFAULT_STUDY,
    overrides: SetOption = [],  # noqa: B006
    home: HomeOption = None,
    debug: DebugOption = False,
) -> None:
    """Compare the trained variants and decide."""
    with _one_line_errors(debug):
        flow = _open(study, overrides, home, BatchDisplay())
        with console.status("comparing and deciding"):
            decision = flow.decide()
        _show(decision)
        _say(f"document: {flow.home / 'decision.md'}")


@app.command()
def register(
    study: StudyOption = DEFAULT_STUDY,
    overrides: SetOption = [],  # noqa: B006
    home: HomeOption = None,
    debug: DebugOption = False,
) -> None:
    """Register the promoted model with the alias staging; on another verdict, nothing."""
    with _one_line_errors(debug):
        flow = _open(study, overrides, home, BatchDisplay())
        with console.status("registering"):
            decision = flow.register()
        _show_place(decision)


@app.command()
def canary(
    study: StudyOption = DEFAULT_STUDY,
    overrides: SetOption = [],  # noqa: B006
    home: HomeOption = None,
    debug: DebugOption = False,
) -> None:
    """Test the staged version on production pictures; on go it enters Production."""
    with _one_line_errors(debug):
        flow = _open(study, overrides, home, BatchDisplay())
        if flow.file.study.canary is None:
            raise RegistryError(f"{study} has no section canary; studies/default.yaml shows one")
        with console.status("canary"):
            decision = flow.canary()
        _show_place(decision)


@app.command()
def approve(
    why: WhyOption = NO_REASON, home: HomeOption = None, debug: DebugOption = False
) -> None:
    """Put the staged version in Production, where the policy asks for a person's approval."""
    with _one_line_errors(debug):
        _show_event(registry.approve(_connect(home), why))


@app.command()
def rollback(
    why: WhyOption = NO_REASON, home: HomeOption = None, debug: DebugOption = False
) -> None:
    """Put the previous version back in Production."""
    with _one_line_errors(debug):
        _show_event(registry.roll_back(_connect(home), why))


@app.command()
def serve(
    home: HomeOption = None,
    port: Annotated[int, typer.Option(help="The port on this machine.")] = 5001,
    debug: DebugOption = False,
) -> None:
    """Serve the version in Production: MLflow's scoring server, POST /invocations."""
    with _one_line_errors(debug):
        client = _connect(home)
        registry.recover(client)
        number = registry.aliases(client).get(registry.PRODUCTION)
        if number is None:
            raise RegistryError("no version is in Production; run `promotion report` first")
        # A version that does not verify is refused here, in one line.
        registry.open_version(client, number)
        name = f"{tracking.REGISTERED_MODEL} version {number}"
        address = f"http://127.0.0.1:{port}/invocations"
        _say(f"{name}: {address} (stop with Ctrl+C)")
        model = f"models:/{tracking.REGISTERED_MODEL}@{registry.PRODUCTION}"
        raise typer.Exit(_mlflow(port, "models", "serve", "-m", model, "--env-manager", "local"))


@app.command()
def book(
    study: StudyOption = DEFAULT_STUDY,
    overrides: SetOption = [],  # noqa: B006
    home: HomeOption = None,
    debug: DebugOption = False,
) -> None:
    """Build the HTML book from what MLflow holds."""
    with _one_line_errors(debug):
        flow = _open(study, overrides, home)
        with console.status("building the book"):
            index = flow.book()
        _say(f"book: {index}")


@app.command()
def check(
    study: StudyOption = DEFAULT_STUDY,
    overrides: SetOption = [],  # noqa: B006
    home: HomeOption = None,
    debug: DebugOption = False,
) -> None:
    """Exit with 0 if the study's decision is promote, 3 if reject, 4 if inconclusive."""
    with _one_line_errors(debug):
        decision = _open(study, overrides, home).decision()
        _show(decision)
    raise typer.Exit(EXIT_CODES[decision.verdict])


@app.command()
def audit(
    experiment: Annotated[str, typer.Option("--experiment", help="The name in MLflow.")],
    home: HomeOption = None,
    debug: DebugOption = False,
) -> None:
    """Audit any MLflow experiment, whoever made it; exit with 1 on a blocking flaw."""
    with _one_line_errors(debug):
        _show_audit(read_experiment(_connect(home), experiment))


@app.command()
def lab(
    study: StudyOption = Path("studies/tp_original.yaml"),
    overrides: SetOption = [],  # noqa: B006
    home: HomeOption = None,
    debug: DebugOption = False,
) -> None:
    """Train and log as the lab's students did, and audit that; exit with 1 on a blocking flaw."""
    with _one_line_errors(debug):
        flow = _open(study, overrides, home)
        # It brings PyTorch with it, and Ultralytics, which looks for its settings in the home.
        from promotion.lab_rerun import run_again

        with Progress(*Progress.get_default_columns(), console=console) as progress:
            task = progress.add_task("variants", total=len(flow.file.study.variants))
            experiment = run_again(flow.file.study, flow.home, lambda _: progress.advance(task))
        _show_audit(experiment)


def _show_audit(experiment: Experiment) -> None:
    """Print what the audit finds; leave with 1 on a blocking flaw."""
    findings = run_audit(experiment)
    table = _table("check", "severity", "outcome", "finding")
    for one in findings:
        mark = {True: "[green]passed[/]", False: "[red]failed[/]", None: "unknown"}[one.passed]
        table.add_row(one.id, one.severity, mark, escape(one.message))
    console.print(table)
    if any(one.failed and one.severity == "blocking" for one in findings):
        raise typer.Exit(1)


@app.command()
def status(home: HomeOption = None, debug: DebugOption = False) -> None:
    """Show what is in Staging, in Production and previous, their verdicts, and the history."""
    with _one_line_errors(debug):
        client = _connect(home)
        registry.recover(client)
        found = registry.versions(client)
        if not found:
            _say(f"no version of {tracking.REGISTERED_MODEL} is registered")
            return
        aliases = registry.aliases(client)
        for alias in reversed(registry.ALIASES):
            number = aliases.get(alias)
            _say(f"{alias}: {f'version {number}' if number else '-'}")
        tags = (VersionTag.RUN_NAME, VersionTag.VERDICT, VersionTag.CANARY)
        table = _table("version", "alias", "run", "verdict", "canary", "threshold")
        for version in found:
            names = [a for a, number in aliases.items() if number == str(version.version)]
            values = [version.tags.get(key, "-") for key in tags]
            threshold = f"{float(version.tags[VersionTag.THRESHOLD]):.3f}"
            table.add_row(str(version.version), ", ".join(names), *values, threshold)
        console.print(table)
        events = _table("when (UTC)", "action", "version", "who", "why")
        for event in registry.history(client):
            events.add_row(event.when[:19], event.action, event.version, event.who, event.why)
        console.print(events)


@app.command()
def ui(
    home: HomeOption = None,
    port: Annotated[int, typer.Option(help="The port on this machine.")] = 5000,
    debug: DebugOption = False,
) -> None:
    """Open MLflow's own interface on this home."""
    with _one_line_errors(debug):
        _connect(home)
        _say(f"MLflow: http://127.0.0.1:{port} (stop with Ctrl+C)")
        uri = mlflow.get_tracking_uri()
        raise typer.Exit(_mlflow(port, "ui", "--backend-store-uri", uri))


def _connect(home: Path | None) -> MlflowClient:
    return tracking.connect((home or tracking.default_home()).resolve())


def _mlflow(port: int, *arguments: str) -> int:
    """Run a server of MLflow's own command line on this store."""
    # MLflow looks for its servers' programs on the path, where no inactive environment is.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    store = mlflow.get_tracking_uri()
    environment = {**os.environ, "PATH": path, "MLFLOW_TRACKING_URI": store}
    command = [sys.executable, "-m", "mlflow", *arguments, "--port", str(port)]
    return subprocess.call(command, env=environment)
