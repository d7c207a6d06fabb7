"""The command line: thin commands over the flow, with progress, one-line errors and exit codes.

What a command needs is imported when it runs, so that `--help` answers at once.
"""

from __future__ import annotations

import functools
import inspect
import logging
import os
import signal
import subprocess
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_type_hints

import typer

from promotion import display
from promotion.display import console, plain, say
from promotion.errors import DocumentError, PromotionError, RegistryError, mend
from promotion.paths import HOME_VARIABLE, default_home

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

    from promotion.audit import Experiment, Finding
    from promotion.execution import Outcome
    from promotion.flow import Flow
    from promotion.registry import RegisteredModel

app = typer.Typer(
    help="Decide whether an object-detection model is promoted, and write the decision up.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)

lab = typer.Typer(
    help="The lab: what its students run, and the checks of their work.", no_args_is_help=True
)
app.add_typer(lab, name="lab")

INTERRUPTED = 130
END_SECONDS = 3
DEFAULT_STUDY, LAB_STUDY = Path("studies/default.yaml"), Path("studies/tp_original.yaml")
NO_REASON = "no reason given"
ANSWERS = Path("lab/answers.yaml")
CLASS = "class"

Backend = Literal["loky", "dask", "ray"]
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
        "--home", envvar=HOME_VARIABLE, help="Where the state lives. [default: .promotion]"
    ),
]
JobsOption = Annotated[
    int | None, typer.Option("--jobs", min=1, help="Variants at once. [default: the cores]")
]
BackendOption = Annotated[Backend, typer.Option("--backend", help="joblib's back end.")]
LanguageOption = Annotated[
    Literal["fr", "en", "all"], typer.Option("--language", help="The book's language.")
]
SolutionsOption = Annotated[
    bool, typer.Option("--solutions", help="The teacher's: with the lab's solutions.")
]
OneLanguageOption = Annotated[
    Literal["fr", "en"], typer.Option("--language", help="The language of what is written.")
]
AnswersOption = Annotated[
    Path, typer.Option("--answers", help="The answers; the decision lies beside them.")
]
DebugOption = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]
WhyOption = Annotated[str, typer.Option("--why", help="The reason, for the record.")]
PortOption = Annotated[int, typer.Option("--port", help="The port on this machine.")]
WorkersOption = Annotated[
    int | None, typer.Option("--workers", min=1, help="Processes. [default: the cores]")
]


def command(
    function: Callable[..., None], group: typer.Typer = app, study: Path = DEFAULT_STUDY
) -> Callable[..., None]:
    """Make a function a command with --home and --debug, whose errors are one line each.

    It is called as the function is, or as it is in the lab's group without `lab_`.
    Its first parameter says what it works on: `flow`, a study's in its home, or `model`, the
    study's registered model (both with --study and --set), or `client`, the home's MLflow store,
    or `home` alone.
    """
    hints = get_type_hints(
        function,
        localns=dict.fromkeys(("Flow", "MlflowClient", "RegisteredModel"), Any),
        include_extras=True,
    )
    first, *own = (
        one.replace(annotation=hints[name], kind=inspect.Parameter.KEYWORD_ONLY)
        for name, one in inspect.signature(function).parameters.items()
    )
    of_a_study = [
        _option("study", StudyOption, study),
        _option("overrides", SetOption, []),
    ]
    common = [_option("home", HomeOption, None), _option("debug", DebugOption, False)]
    opens = [] if first.name in ("client", "home") else of_a_study

    @functools.wraps(function)
    def run(**given: Any) -> None:
        debug, home = given.pop("debug"), given.pop("home")
        with _OneLineErrors(debug):
            place = (home or default_home()).resolve()
            # Notebooks and their kernels find the home here.
            os.environ[HOME_VARIABLE] = str(place)
            if first.name == "client":
                function(_connect(place), **given)
            elif first.name == "home":
                function(place, **given)
            else:
                from promotion.study import standing_overrides

                study, overrides = given.pop("study"), given.pop("overrides")
                opened = _open if first.name == "flow" else _registered
                function(opened(study, [*standing_overrides(), *overrides], place), **given)

    parameters = [*opens, *own, *common]
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {one.name: one.annotation for one in parameters}
    group.command(function.__name__.removeprefix("lab_"))(run)
    return run


def _option(name: str, annotation: object, default: object) -> inspect.Parameter:
    kind = inspect.Parameter.KEYWORD_ONLY
    return inspect.Parameter(name, kind, default=default, annotation=annotation)


class _OneLineErrors:
    """Prints what the user can mend in one line, and leaves with the error's exit code."""

    def __init__(self, debug: bool) -> None:
        self.debug = debug

    def __enter__(self) -> None:
        _quieten()
        display.lose_no_output()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, _interrupt)

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        # With SystemExit the console leaves where nobody reads it any more, as before `| head`.
        if error is None or isinstance(error, typer.Exit | typer.Abort | SystemExit):
            return
        if isinstance(error, KeyboardInterrupt):
            display.errors.print(
                "interrupted: finished variants are kept; run the same command to go on"
            )
            raise typer.Exit(INTERRUPTED) from None
        if self.debug and not isinstance(error, PromotionError):
            return
        if self.debug:
            traceback.print_exception(error)
        for line in _lines(error):
            display.print_error(line)
        raise typer.Exit(getattr(error, "exit_code", 1)) from None


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Stop once: what runs is ended within seconds, and a second signal must not stop that."""
    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, signal.SIG_IGN)
    raise KeyboardInterrupt


def _lines(error: BaseException) -> list[str]:
    """An error as its reader needs it, a line a fault."""
    if isinstance(error, PromotionError):
        return str(error).splitlines()
    reason = str(error).splitlines()[0][:200] if str(error) else "no message"
    help = mend(f"{type(error).__name__}: {error}")
    goes_on = "then the same command goes on"
    if type(error).__module__ == "mlflow.exceptions":
        import mlflow

        help = help or "see whether MLflow answers"
        return [f"MLflow at {mlflow.get_tracking_uri()} failed: {reason}; {help}, {goes_on}"]
    if help:
        return [f"{type(error).__name__}: {reason}; {help}, {goes_on}"]
    return [f"unexpected {type(error).__name__}: {reason}; --debug shows the traceback"]


def _quieten() -> None:
    """Keep the libraries' own chatter off the screen; --debug shows what matters."""
    warnings.filterwarnings("ignore")
    os.environ.setdefault("PYTHONWARNINGS", "ignore")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
    # MLflow sets its own loggers when it is imported, which is later.
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "ERROR")
    for name in ("alembic", "papermill", "codecarbon", "distributed"):
        logging.getLogger(name).setLevel(logging.ERROR)
    # What is said on the way out of a cell that is ended, or of a store that fails.
    for name in ("asyncio", "traitlets", "sqlalchemy", "mlflow.store.db.utils"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


def _open(study: Path, overrides: list[str], home: Path) -> Flow:
    from promotion.study import load_study

    path = study.resolve() if study.exists() else study
    loaded = load_study(path, overrides)

    from promotion.execution import StudyFile
    from promotion.flow import Flow

    return Flow(StudyFile(loaded, path, tuple(overrides)), home, display.BatchDisplay().report)


def _registered(study: Path, overrides: list[str], home: Path) -> RegisteredModel:
    from promotion.registry import RegisteredModel
    from promotion.study import load_study

    name = load_study(study, overrides).model.registered_name
    return RegisteredModel(_connect(home), name)


def _connect(home: Path) -> MlflowClient:
    from promotion.store import connect

    return connect(home)


def _train(flow: Flow, jobs: int | None, backend: Backend) -> list[Outcome]:
    from promotion.execution import default_jobs

    _say_if_unchecked(flow)
    variants = len(flow.file.study.variants)
    jobs = jobs or default_jobs(variants)
    batch = display.BatchDisplay()
    flow.report = batch.report
    with batch.batch(variants, jobs):
        outcomes = flow.run(jobs, backend)
    display.show_counts(outcomes)
    return outcomes


def _say_if_unchecked(flow: Flow) -> None:
    """Say what a starting checkpoint is that the study names without its checksum."""
    start = flow.start
    if not start.expected:
        path = plain(start.path)
        say(f"model.weights: no model.sha256 was given for {path}; it is {start.sha256}")


def _exit_if_failed(outcomes: list[Outcome]) -> None:
    if any(outcome.status == "failed" for outcome in outcomes):
        raise typer.Exit(1)


@command
def report(flow: Flow, jobs: JobsOption = None, backend: BackendOption = "loky") -> None:
    """Run the whole flow: train, compare, decide, register, test, and build the book."""
    outcomes = _train(flow, jobs, backend)
    with console.status("comparing and deciding"):
        flow.decide()
    with console.status("registering"):
        flow.register()
    with console.status("canary"):
        decision = flow.canary()
    with console.status("building the book"):
        index = flow.book()
    display.show_decision(decision)
    display.show_place(decision, flow.registered.name)
    say(f"document: {plain(flow.home / 'decision.md')}")
    say(f"book: {plain(index)}")
    _exit_if_failed(outcomes)


@command
def run(flow: Flow, jobs: JobsOption = None, backend: BackendOption = "loky") -> None:
    """Train every variant of the study that is not trained yet."""
    _exit_if_failed(_train(flow, jobs, backend))


@command
def choose(flow: Flow) -> None:
    """Compare the trained variants on val and measure their latencies; the test stays closed."""
    with console.status("choosing"):
        chosen = flow.choose()
    say(f"chosen on val: {plain(chosen.candidate_run)}; baseline: {plain(chosen.baseline_run)}")


@command
def decide(flow: Flow) -> None:
    """Compare the trained variants and decide."""
    with console.status("comparing and deciding"):
        decision = flow.decide()
    display.show_decision(decision)
    say(f"document: {plain(flow.home / 'decision.md')}")


@command
def register(flow: Flow) -> None:
    """Register the promoted model with the alias staging; on another verdict, nothing."""
    with console.status("registering"):
        decision = flow.register()
    display.show_place(decision, flow.registered.name)


@command
def canary(flow: Flow) -> None:
    """Test the staged version on production pictures; on go it enters Production."""
    if flow.file.study.canary is None:
        raise RegistryError(
            f"{flow.file.path} has no section canary; studies/default.yaml shows one"
        )
    with console.status("canary"):
        decision = flow.canary()
    display.show_place(decision, flow.registered.name)


@command
def approve(model: RegisteredModel, why: WhyOption = NO_REASON) -> None:
    """Put the staged version in Production, where the policy asks for a person's approval."""
    from promotion import registry

    display.show_event(registry.approve(model, why))


@command
def rollback(model: RegisteredModel, why: WhyOption = NO_REASON) -> None:
    """Put the previous version back in Production."""
    from promotion import registry

    display.show_event(registry.roll_back(model, why))


@command
def serve(model: RegisteredModel, port: PortOption = 5001, workers: WorkersOption = None) -> None:
    """Serve the version in Production by MLflow's scoring protocol, POST /invocations."""
    from promotion import registry, serving

    registry.recover(model)
    number = registry.aliases(model).get(registry.PRODUCTION)
    if number is None:
        raise RegistryError("no version is in Production; run `python -m promotion report` first")
    # A version that does not verify is refused here, in one line.
    registry.open_version(model, number)
    address = f"http://127.0.0.1:{port}/invocations"
    say(f"{model.name} version {number}: {address} (stop with Ctrl+C)")
    serving.serve(model, number, port, workers or serving.default_workers())


@command
def book(flow: Flow, language: LanguageOption = "all", solutions: SolutionsOption = False) -> None:
    """Build the HTML book from what MLflow holds."""
    from promotion.report.language import LANGUAGES

    with console.status("building the book"):
        index = flow.book(LANGUAGES if language == "all" else (language,), solutions)
    say(f"book: {plain(index)}")


@command
def check(flow: Flow) -> None:
    """Exit with 0 if the study's decision is promote, 3 if reject, 4 if inconclusive."""
    from promotion.decision import EXIT_CODES

    decision = flow.decision()
    display.show_decision(decision)
    raise typer.Exit(EXIT_CODES[decision.verdict])


DecisionArgument = Annotated[
    str,
    typer.Argument(metavar="DECISION", help="A decision.json, the id of its run, or `production`."),
]


@command
def diff(model: RegisteredModel, before: DecisionArgument, after: DecisionArgument) -> None:
    """Show what changed from one decision to another: data, code, policy, numbers, verdict."""
    from promotion.report.changes import changes, read_publication
    from promotion.report.tables import changes as as_table

    found = changes(read_publication(model, before), read_publication(model, after))
    if not found:
        say("nothing changed: origin, policy, numbers and verdict are the same")
    else:
        display.show_table(as_table(found))


@command
def audit(
    client: MlflowClient,
    experiment: Annotated[str, typer.Option("--experiment", help="The name in MLflow.")],
) -> None:
    """Audit any MLflow experiment, whoever made it; exit with 1 on a blocking flaw."""
    from promotion.audit import read_experiment

    _show_audit(read_experiment(client, experiment))


@command
def review(
    home: Path,
    file: Annotated[Path, typer.Argument(metavar="FILE.md", help="The decision document.")],
    experiment: Annotated[
        str | None,
        typer.Option("--experiment", help="The name in MLflow. [default: that of the runs named]"),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", help="Write the annotated document here too: .md or .html."),
    ] = None,
) -> None:
    """Check a decision document written by a person against the runs; exit with 1 on a finding."""
    from promotion.lab.review import check_claims, read_decision, read_records
    from promotion.report.review import tell, writer_of

    content = read_decision(file)
    write = writer_of(output, file) if output else None
    records = None
    if "MLFLOW_TRACKING_URI" in os.environ or (home / "mlflow.db").exists():
        records = read_records(_connect(home), content, experiment)
    elif experiment is not None:
        raise DocumentError(f"no experiment {experiment}: there is no MLflow store in {home}")
    found = check_claims(content, records)
    told = tell(found, file.name)
    display.show_review(told)
    if write is not None:
        say(f"annotated: {plain(write(told))}")
    if not found.holds:
        raise typer.Exit(1)


@functools.partial(command, group=lab, study=LAB_STUDY)
def lab_rerun(flow: Flow) -> None:
    """Train and log as the lab's students did, and audit that; exit with 1 on a blocking flaw."""
    from rich.progress import Progress

    # It brings PyTorch with it, and Ultralytics, which looks for its settings in the home.
    from promotion.lab.rerun import run_again

    _say_if_unchecked(flow)
    with Progress(*Progress.get_default_columns(), console=console) as progress:
        task = progress.add_task("variants", total=len(flow.file.study.variants))
        experiment = run_again(flow.file.study, flow.home, lambda _: progress.advance(task))
    _show_audit(experiment)


@functools.partial(command, group=lab)
def lab_template(
    home: Path,
    file: Annotated[Path, typer.Argument(metavar="FILE.md", help="Where to write it.")],
    language: OneLanguageOption = "fr",
) -> None:
    """Write the decision template to fill; `promotion review` reads it back."""
    from promotion.lab.template import write_template

    write_template(file, language)
    say(f"template: {plain(file)}")


@functools.partial(command, group=lab)
def lab_exercises(
    home: Path,
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where to write them.")],
    solutions: SolutionsOption = False,
) -> None:
    """Write the lab's exercise notebooks and the file of answers to fill."""
    from promotion.lab.exercises import write_exercises

    for place in write_exercises(folder, solutions):
        say(f"written: {plain(place)}")


@functools.partial(command, group=lab)
def lab_check(
    flow: Flow,
    chapter: Annotated[
        str, typer.Argument(metavar="[CHAPTER]", help="One chapter. [default: all]")
    ] = "",
    answers: AnswersOption = ANSWERS,
) -> None:
    """Check a student's work against their runs and files; exit with 1 where it does not hold."""
    from promotion.lab import lab_experiment
    from promotion.lab.homework import CHAPTERS, ERROR, Work, check_work, read_answers
    from promotion.report.sentences import hint_sentence, point_state

    work = Work(flow.file.study, flow.client, read_answers(answers), answers.parent)
    chapters = [chapter] if chapter else list(CHAPTERS)
    points = [point for name in chapters for point in check_work(work, name)]
    display.show_points([(one, point_state(one), hint_sentence(one)) for one in points])
    if any(point.state != "held" for point in points):
        raise typer.Exit(1)
    if chapter == ERROR:
        _tell_findings(lab_experiment())


@functools.partial(command, group=lab)
def lab_submit(flow: Flow, answers: AnswersOption = ANSWERS) -> None:
    """Hand in the answers and the decision: log them to the study's experiment."""
    from promotion.lab.classroom import hand_in

    found = hand_in(flow.client, flow.file.study, answers)
    what = "answers and decision" if found.decision is not None else "answers, without a decision"
    say(f"handed in to {plain(flow.file.study.experiment)}: {what}")


@functools.partial(command, group=lab)
def lab_start(
    flow: Flow,
    students: Annotated[
        int, typer.Option("--students", min=1, max=200, help="How many accounts there are to be.")
    ] = 30,
    host: Annotated[
        str, typer.Option("--host", help="This machine's address in the students' network.")
    ] = "127.0.0.1",
    port: PortOption = 5000,
    language: OneLanguageOption = "fr",
) -> None:
    """Serve MLflow to a class, an account a student; run again, it keeps all that is there.

    Where MLFLOW_TRACKING_URI names a server with MLflow's accounts, they are made on that one.
    """
    from promotion.lab.classroom import (
        TEACHER,
        address_of,
        enrol,
        keep_roster,
        need_port,
        server_arguments,
        server_environment,
        signed_in,
        wait_until_up,
        with_students,
    )
    from promotion.report.language import in_language
    from promotion.report.marking import sheets_html
    from promotion.whole import write_whole

    folder = flow.home / CLASS
    remote = os.environ.get("MLFLOW_TRACKING_URI")
    address = remote or address_of(host, port)
    roster = with_students(folder, students, address)
    if not remote:
        need_port(host, port)
    say(f"passwords: {plain(keep_roster(folder, roster))}")
    with in_language(language):
        sheets = sheets_html(roster, flow.file.study)
    write_whole(folder / "sheets.html", sheets, mode=0o600)
    say(f"sheets to hand out: {plain(folder / 'sheets.html')}")
    if remote:
        enrol(_connect(flow.home), roster, flow.file)
        say(f"{len(roster.students)} accounts: {plain(address)}")
        return
    arguments = server_arguments(folder, host, port)
    with _mlflow(*arguments, **server_environment(folder, roster)) as server:
        wait_until_up(address, lambda: server.poll() is None)
        with signed_in(flow.home, address, TEACHER, roster.teacher) as client:
            enrol(client, roster, flow.file)
        say(f"{len(roster.students)} accounts: {plain(address)} (stop with Ctrl+C)")
        raise typer.Exit(server.wait())


@functools.partial(command, group=lab)
def lab_grade(
    flow: Flow,
    folder: Annotated[
        Path | None,
        typer.Option(
            "--folder",
            help="Where each student's work lies in a folder named as the account. "
            "[default: what was handed in to the server]",
        ),
    ] = None,
    language: OneLanguageOption = "fr",
) -> None:
    """Mark every student of the class on its server: a sheet as CSV, and as a page."""
    from rich.progress import track

    from promotion.lab.classroom import mark_class, read_roster, twins
    from promotion.report.language import in_language
    from promotion.report.marking import marks_csv, marks_html
    from promotion.whole import write_whole

    place = flow.home / CLASS
    roster = read_roster(place)
    marking = mark_class(flow.home, roster, flow.file, folder)
    marks = list(track(marking, "marking", len(roster.students), console=console, transient=True))
    same = twins(marks)
    with in_language(language):
        page, sheet = marks_html(marks, same), marks_csv(marks, same)
    # Spreadsheets take a file for UTF-8 by its first bytes.
    (place / "marks.csv").write_bytes(sheet.encode("utf-8-sig"))
    write_whole(place / "marks.html", page)
    display.show_marks(marks, same)
    say(f"marks: {plain(place / 'marks.csv')}")
    say(f"page: {plain(place / 'marks.html')}")


def _show_audit(experiment: Experiment) -> None:
    """Print what the audit finds; leave with 1 on a blocking flaw."""
    if any(one.blocks for one in _tell_findings(experiment)):
        raise typer.Exit(1)


def _tell_findings(experiment: Experiment) -> list[Finding]:
    """Print what the audit finds, and return it."""
    from promotion.audit import audit
    from promotion.report.sentences import finding_sentence

    findings = audit(experiment)
    display.show_findings([(one, finding_sentence(one)) for one in findings])
    return findings


@command
def status(model: RegisteredModel) -> None:
    """Show what is in Staging, in Production and previous, their verdicts, and the history."""
    from promotion import registry
    from promotion.store import VersionTag

    found = registry.versions(model)
    if not found:
        say(f"no version of {model.name} is registered")
        others = registry.names(model.client)
        if others:
            known = plain(", ".join(others))
            say(f"registered are {known}; --study names the study of one of them")
        return
    aliases, history = registry.aliases(model), registry.read_history(model)
    for alias in reversed(registry.ALIASES):
        number = aliases.get(alias)
        say(f"{alias}: {f'version {plain(number)}' if number else '-'}")
    shown = (VersionTag.RUN_NAME, VersionTag.VERDICT, VersionTag.CANARY, VersionTag.THRESHOLD)
    table = display.table("version", "alias", "run", "verdict", "canary", "threshold")
    for version in found:
        names = [a for a, number in aliases.items() if number == str(version.version)]
        values = [version.tags.get(key, "-") for key in shown]
        if VersionTag.FILES_SHA256 not in version.tags:
            values[0] = f"{values[0]} (half-made, or not ours)"
        table.add_row(*map(plain, (version.version, ", ".join(names), *values)))
    console.print(table)
    events = display.table("when (UTC)", "action", "version", "who", "why")
    for event in history.events:
        row = (event.when[:19], event.action, event.version, event.who, event.why)
        events.add_row(*map(plain, row))
    console.print(events)
    display.show_doubts(history)


@command
def ui(client: MlflowClient, port: PortOption = 5000) -> None:
    """Start MLflow's own interface on this home, and print links to what there is to see."""
    from promotion.store import interface, links, readable, registry_link

    base, remote = interface(client, port), client.tracking_uri.startswith("http")
    say(f"MLflow: {base}" + ("" if remote else " (stop with Ctrl+C)"))
    for experiment in readable(client):
        for name, address in links(base, experiment.experiment_id).items():
            say(f"{plain(experiment.name)}, {name}: {plain(address)}")
    say(f"registered models: {registry_link(base)}")
    if remote:
        return
    store = str(client.tracking_uri)
    # MLflow's four workers are for a team, and take twice as long to start.
    where = ("--backend-store-uri", store, "--port", str(port), "--workers", "1")
    with _mlflow("ui", *where, MLFLOW_TRACKING_URI=store) as server:
        raise typer.Exit(server.wait())


@contextmanager
def _mlflow(*arguments: str, **variables: str) -> Iterator[subprocess.Popen[bytes]]:
    """A server of MLflow's own command line, with these variables; it ends with the block."""
    # MLflow looks for its servers' programs on the path, where no inactive environment is.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    environment = {
        **os.environ,
        "PATH": path,
        # Eight more processes, for jobs that nothing here has.
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        **variables,
    }
    command = [sys.executable, "-m", "mlflow", *arguments]
    with subprocess.Popen(command, env=environment) as server:
        try:
            yield server
        finally:
            _end(server.pid)


def _end(pid: int) -> None:
    """End a process and all that it started, which MLflow's server leaves behind."""
    import psutil

    try:
        server = psutil.Process(pid)
        processes = [server, *server.children(recursive=True)]
    except psutil.NoSuchProcess:
        return
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.terminate()
    for process in psutil.wait_procs(processes, timeout=END_SECONDS)[1]:
        with suppress(psutil.NoSuchProcess):
            process.kill()
