"""MLflow, the only bus: every name that is written to it stands here, once."""

from __future__ import annotations

import os
import platform
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import version
from io import BytesIO
from pathlib import Path

import cpuinfo
import mlflow
import pandas as pd
import psutil
from mlflow.entities import Run
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient
from mlflow.tracking.context.registry import resolve_tags

from promotion.errors import MissingRunsError, TrackingError
from promotion.study import ROOT

HOME_VARIABLE = "PROMOTION_HOME"
REGISTERED_MODEL = "person-detector"

LIBRARIES = (
    "torch",
    "torchvision",
    "ultralytics",
    "numpy",
    "opencv-python",
    "onnxruntime",
    "hotcoco",
)


class Role:
    """What a run is in the flow (tag `promotion.role`)."""

    DATASET = "dataset"
    VARIANT = "variant"
    COMPARISON = "comparison"
    DECISION = "decision"
    REGISTRATION = "registration"
    CANARY = "canary"


class Tag:
    """The tags of a run."""

    ROLE = "promotion.role"
    SOURCE = "mlflow.source.name"
    NOTE = "mlflow.note.content"
    STUDY = "promotion.study"
    CONFIGURATION = "promotion.configuration"
    HOME = "promotion.home"
    FINGERPRINT = "promotion.fingerprint"
    INPUTS = "promotion.inputs"
    COMPLETE = "promotion.complete"
    DATASET_DIGEST = "promotion.dataset_digest"
    CODE_VERSION = "promotion.code_version"
    WEIGHTS_SHA256 = "promotion.weights_sha256"
    MEASURED_SHA256 = "promotion.measured_sha256"
    TRAINING_CODE = "promotion.training_code"
    CHECKPOINT_SHA256 = "promotion.checkpoint_sha256"
    PARAMETERS_SHA256 = "promotion.parameters_sha256"
    START_SHA256 = "promotion.start_sha256"
    HARDWARE = "promotion.hardware"
    ENERGY_METHOD = "promotion.energy_method"
    LIBRARIES = "promotion.libraries"
    VERDICT = "promotion.verdict"
    CANARY = "promotion.canary"
    VERSION = "promotion.model_version"
    ERROR = "promotion.error"


class VersionTag:
    """The tags of a registered version."""

    RUN_NAME = "run_name"
    FINGERPRINT = "fingerprint"
    VERDICT = "verdict"
    THRESHOLD = "threshold"
    WEIGHTS_SHA256 = "weights_sha256"
    DATASET_DIGEST = "dataset_digest"
    STUDY = "study"
    CANARY = "canary"

    @staticmethod
    def difference(metric: str) -> str:
        """The tag of a metric on test: candidate, baseline, their difference and its interval."""
        return f"test.{metric}"


class Artifact:
    """The artifacts of a run."""

    MODEL = "weights/model.onnx"
    CHECKPOINT = "weights/checkpoint.pt"
    MANIFEST = "manifest.json"
    STUDY = "study.json"
    NOTEBOOK = "notebook.ipynb"
    TRACEBACK = "traceback.txt"
    EVIDENCE = "evidence.json"
    DECISION_JSON = "decision.json"
    DECISION_MD = "decision.md"
    SUMMARY = "summary.md"
    CANARY = "canary.json"
    OBSERVATIONS = "canary.parquet"
    PICTURE = "comparison.png"

    @staticmethod
    def detections(split: str) -> str:
        """The table of a split's detections."""
        return f"evaluation/detections_{split}.parquet"

    @staticmethod
    def ground_truth(split: str) -> str:
        """The table of a split's annotated boxes."""
        return f"evaluation/ground_truth_{split}.parquet"

    @staticmethod
    def images(split: str) -> str:
        """The folder of a split's pictures."""
        return f"images/{split}"


def default_home() -> Path:
    """The folder of the state: PROMOTION_HOME, else `.promotion` beside the package."""
    return Path(os.environ.get(HOME_VARIABLE) or ROOT / ".promotion").resolve()


def tracking_uri(home: Path) -> str:
    """MLFLOW_TRACKING_URI when it is set, else the SQLite store of this home."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{(home / 'mlflow.db').as_posix()}"


def connect(home: Path, experiment: str | None = None) -> MlflowClient:
    """Point MLflow at the store of this home and, if named, open (or make) the experiment.

    Raises:
        TrackingError: the tracking server does not answer.
    """
    home.mkdir(parents=True, exist_ok=True)
    # A dead server is told at once; MLflow's default keeps trying for minutes.
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "30")
    uri = tracking_uri(home)
    mlflow.set_tracking_uri(uri)
    mlflow.set_registry_uri(uri)
    client = MlflowClient()
    try:
        if experiment is None:
            client.search_experiments(max_results=1)
        elif client.get_experiment_by_name(experiment) is None:
            embedded = uri.startswith("sqlite:")
            location = (home / "artifacts" / experiment).as_uri() if embedded else None
            client.create_experiment(experiment, artifact_location=location)
        if experiment is not None:
            mlflow.set_experiment(experiment)
    except MlflowException as error:
        reason = str(error).splitlines()[0][:160]
        raise TrackingError(
            f"MLflow does not answer at {uri} ({reason}); start the server, or unset "
            "MLFLOW_TRACKING_URI to use the embedded store"
        ) from None
    return client


def start_run(client: MlflowClient, experiment: str, run_name: str, tags: Mapping[str, str]) -> str:
    """Create a run that is not yet complete and return its id."""
    found = client.get_experiment_by_name(experiment)
    assert found is not None
    # What MLflow itself would tag a run with: the user, the source, the commit.
    context = {**resolve_tags(), "mlflow.source.type": "NOTEBOOK"}
    tags = {**context, **tags, Tag.CODE_VERSION: code_version(), Tag.HARDWARE: hardware()}
    return str(client.create_run(found.experiment_id, run_name=run_name, tags=tags).info.run_id)


def find_complete(client: MlflowClient, experiment: str, fingerprint: str) -> Run | None:
    """The newest complete run with this fingerprint."""
    runs = search(client, experiment, {Tag.FINGERPRINT: fingerprint, Tag.COMPLETE: "true"}, most=1)
    return runs[0] if runs else None


def search(
    client: MlflowClient, experiment: str, tags: Mapping[str, str], most: int = 1000
) -> list[Run]:
    """The runs of an experiment that carry these tags, newest first; none if it does not exist."""
    found = client.get_experiment_by_name(experiment)
    if found is None:
        return []
    where = " and ".join(f"tags.`{key}` = '{value}'" for key, value in tags.items())
    order = ["attributes.start_time DESC"]
    return list(client.search_runs([found.experiment_id], where, max_results=most, order_by=order))


def latest(client: MlflowClient, experiment: str, study: str, role: str) -> Run:
    """The newest complete run of a role in a study.

    Raises:
        MissingRunsError: there is none.
    """
    tags = {Tag.STUDY: study, Tag.ROLE: role, Tag.COMPLETE: "true"}
    runs = search(client, experiment, tags, most=1)
    if not runs:
        raise MissingRunsError(
            f"experiment {experiment} has no {role} run of study {study}; "
            "run `promotion report` first"
        )
    return runs[0]


def tested(client: MlflowClient, experiment: str, number: str) -> Run | None:
    """The newest complete canary run of a registered version."""
    tags = {Tag.ROLE: Role.CANARY, Tag.VERSION: number, Tag.COMPLETE: "true"}
    runs = search(client, experiment, tags, most=1)
    return runs[0] if runs else None


def log_table(client: MlflowClient, run_id: str, path: str, table: pd.DataFrame) -> None:
    """Log a table as a Parquet artifact."""
    buffer = BytesIO()
    table.to_parquet(buffer, index=False)
    log_bytes(client, run_id, path, buffer.getvalue())


def log_bytes(client: MlflowClient, run_id: str, path: str, content: bytes) -> None:
    """Log bytes as an artifact with this path."""
    folder, _, name = path.rpartition("/")
    with tempfile.TemporaryDirectory() as scratch:
        local = Path(scratch) / name
        local.write_bytes(content)
        client.log_artifact(run_id, str(local), folder or None)


def load_table(client: MlflowClient, run_id: str, path: str) -> pd.DataFrame:
    """Read a Parquet artifact."""
    return pd.read_parquet(artifact(client, run_id, path))


def artifact(client: MlflowClient, run_id: str, path: str) -> Path:
    """The local path of an artifact (a copy, unless the store is on this machine).

    Raises:
        MissingRunsError: the run has no such artifact.
    """
    try:
        return Path(client.download_artifacts(run_id, path))
    except (MlflowException, OSError):
        raise MissingRunsError(
            f"run {run_id} has no artifact {path}; delete the run in MLflow and run the study again"
        ) from None


def log_values(client: MlflowClient, run_id: str, values: Mapping[str, float]) -> None:
    """Log metrics of a run; NaN is not a measurement and is left out."""
    for name, value in values.items():
        if value == value:
            client.log_metric(run_id, name, value)


def log_parameters(client: MlflowClient, run_id: str, values: Mapping[str, object]) -> None:
    """Log parameters of a run."""
    for name, value in values.items():
        client.log_param(run_id, name, value)


def set_tags(client: MlflowClient, run_id: str, tags: Mapping[str, str]) -> None:
    """Set several tags of a run."""
    for key, value in tags.items():
        client.set_tag(run_id, key, value)


def code_version() -> str:
    """The commit of the checkout, with `+` if it has changes; the package version without git."""
    try:
        ask = ["git", "-C", str(ROOT), "describe", "--always", "--dirty=+", "--abbrev=12"]
        answer = subprocess.run(ask, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return version("promotion")
    return answer.stdout.strip()


@cache
def hardware() -> str:
    """Processor, cores and memory of this machine, on one line."""
    memory = psutil.virtual_memory().total / 2**30
    name = cpuinfo.get_cpu_info().get("brand_raw") or platform.machine()
    return f"{name} × {os.cpu_count()}, {memory:.0f} GiB"


def library_versions(names: Iterable[str] = LIBRARIES) -> dict[str, str]:
    """The installed versions of the libraries that can change a result."""
    return {name: version(name) for name in names}
