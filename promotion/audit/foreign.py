"""Reads any MLflow experiment for the audit, also one that this product did not make."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from urllib.parse import urlparse
from urllib.request import url2pathname

from mlflow.entities import Run
from mlflow.tracking import MlflowClient

from promotion.audit.experiment import AuditedRun, Experiment, Recalls, experiment_of
from promotion.audit.names import detects, meaning, renamed, split_of
from promotion.audit.ultralytics import asked_and_applied, weights
from promotion.checksums import sha256_of
from promotion.comparison import Evidence
from promotion.errors import MissingRunsError
from promotion.store import Artifact, Role, Tag, artifact, experiments, load_fact, newest, search
from promotion.study import Study

# A metric's history takes a question for each run: of more runs than this the newest are asked.
MOST_HISTORIES = 500
PARENT = "mlflow.parentRunId"
_MACHINE = ("hardware", "gpu", "gpu_name", "device_name")


def read_experiment(client: MlflowClient, name: str) -> Experiment:
    """The experiment of this name, as far as it can be read; the product's own is read whole.

    Raises:
        MissingRunsError: there is no such experiment, or it has no finished training run.
    """
    found = client.get_experiment_by_name(name)
    if found is None:
        known = ", ".join(sorted(experiments(client)))
        raise MissingRunsError(f"no experiment {name} in this store; there are: {known}")
    compared = newest(client, name, {Tag.ROLE: Role.DIAGNOSIS, Tag.COMPLETE: "true"})
    if compared is not None:
        return _own_experiment(client, compared.info.run_id)
    every = search(client, name, {})
    trainings = [run for run in every if run.data.tags.get(Tag.ROLE, Role.VARIANT) == Role.VARIANT]
    aside = _holders(trainings)
    finished = _last_starts(
        run for run in trainings if run.info.status == "FINISHED" and run.info.run_id not in aside
    )
    if not finished:
        raise MissingRunsError(f"experiment {name} has no finished training run to audit")
    done = {_start(run) for run in finished}
    others = [
        run
        for run in trainings
        if run.info.status != "FINISHED"
        and run.info.run_id not in aside
        and _start(run) not in done
    ]
    names = _names([*finished, *others])
    detectors = any(detects(run.data.metrics) for run in finished)
    return Experiment(
        name=name,
        runs=[
            _audited(client, run, names[run.info.run_id], detectors, number <= MOST_HISTORIES)
            for number, run in zip(range(len(finished), 0, -1), finished, strict=True)
        ],
        missing={
            names[run.info.run_id]: run.data.tags.get(Tag.ERROR, run.info.status) for run in others
        },
        constraints={},
        aside=tuple(sorted(aside.values())),
        recalls=_recalls(finished, names),
    )


def _own_experiment(client: MlflowClient, run_id: str) -> Experiment:
    """The experiment behind the newest comparison, with its files as they lie there now."""
    study = load_fact(client, run_id, Artifact.STUDY, Study)
    evidence = load_fact(client, run_id, Artifact.EVIDENCE, Evidence)
    found = experiment_of(evidence, study.policy, study.model.weights)
    stored = {run.run_name: _stored(client, run.run_id) for run in evidence.runs}
    runs = [run.model_copy(update={"stored": stored[run.name]}) for run in found.runs]
    return found.model_copy(update={"runs": runs})


def _stored(client: MlflowClient, run_id: str) -> str | None:
    """The checksum of the registrable file as it lies in the store; None without one."""
    try:
        return sha256_of(artifact(client, run_id, Artifact.MODEL))
    except MissingRunsError:
        return None


def _holders(runs: Sequence[Run]) -> dict[str, str]:
    """The runs that only hold others together, as a sweep's parent, by their ids."""
    children: dict[str, list[Run]] = defaultdict(list)
    for run in runs:
        if PARENT in run.data.tags:
            children[run.data.tags[PARENT]].append(run)
    held = {}
    for run in runs:
        theirs = {name for child in children[run.info.run_id] for name in child.data.metrics}
        if 2 * len(theirs.intersection(run.data.metrics)) < len(theirs):
            held[run.info.run_id] = _name(run)
    return held


def _start(run: Run) -> tuple[object, ...]:
    """What a run that was started again has in common with its first start."""
    return _name(run), frozenset(run.data.params.items())


def _last_starts(runs: Iterable[Run]) -> list[Run]:
    """All runs, newest first, but of the product's own only the last of each variant.

    A name is no identity in a store of others: all their runs may be called `train`.
    """
    kept: dict[object, Run] = {}
    for run in runs:
        own = Tag.FINGERPRINT in run.data.tags
        kept.setdefault(_start(run) if own else run.info.run_id, run)
    return list(reversed(kept.values()))


def _name(run: Run) -> str:
    return str(run.info.run_name or run.info.run_id)


def _names(runs: Sequence[Run]) -> dict[str, str]:
    """A name for each run, by its id; of those with the same name, the id tells them apart."""
    counts = Counter(map(_name, runs))
    ids = [run.info.run_id for run in runs]
    digits = next((n for n in (8, 12) if len({one[:n] for one in ids}) == len(ids)), None)
    return {
        run.info.run_id: _name(run)
        if counts[_name(run)] == 1
        else f"{_name(run)} {run.info.run_id[:digits]}"
        for run in runs
    }


def _audited(
    client: MlflowClient, run: Run, name: str, detectors: bool, with_history: bool
) -> AuditedRun:
    tags = run.data.tags
    # Only a detector's artifacts are looked at, and listing them takes a store its time.
    kept = _files(client, run) if detects(run.data.metrics) else {}
    asked, applied = asked_and_applied(client, run, kept)
    inputs = run.inputs.dataset_inputs if run.inputs else []
    datasets = sorted({one.dataset.digest for one in inputs})
    registrable, measured = weights(client, run, kept if with_history else {})
    return AuditedRun(
        name=name,
        seed=_seed(asked.get("seed")),
        asked=asked,
        applied=applied,
        metrics=renamed(run.data.metrics) if detectors else dict(run.data.metrics),
        parameters=tags.get(Tag.PARAMETERS_SHA256),
        registrable=registrable,
        measured=measured,
        stored=_stored(client, run.info.run_id) if Tag.WEIGHTS_SHA256 in tags else None,
        dataset=tags.get(Tag.DATASET_DIGEST) or ", ".join(datasets) or None,
        code=tags.get(Tag.TRAINING_CODE) or tags.get("mlflow.source.git.commit"),
        hardware=_hardware(run),
    )


def _seed(value: str | None) -> int | None:
    """The seed, if it is one: others write None where chance is left to itself."""
    try:
        return int(value or "")
    except ValueError:
        pass
    try:
        number = float(value or "")
    except ValueError:
        return None
    return int(number) if math.isfinite(number) and number == int(number) else None


def _hardware(run: Run) -> str | None:
    told: Mapping[str, str] = {**run.data.params, **run.data.tags}
    return next((told[name] for name in (Tag.HARDWARE, *_MACHINE) if name in told), None)


def _recalls(runs: Sequence[Run], names: Mapping[str, str]) -> dict[str, Recalls] | None:
    """The recalls of the runs that logged one on val and one on test."""
    found = {}
    for run in runs:
        by_split = {
            split_of(name): value
            for name, value in run.data.metrics.items()
            if meaning(name) == "recall"
        }
        val = by_split.get("val", by_split.get(""))
        if detects(run.data.metrics) and val is not None and "test" in by_split:
            found[names[run.info.run_id]] = Recalls(val=val, test=by_split["test"])
    return found or None


def _files(client: MlflowClient, run: Run) -> dict[str, str]:
    """The paths of all artifacts of a run, by their names; MLflow lists what lies elsewhere."""
    place = urlparse(run.info.artifact_uri)
    if place.scheme in ("", "file"):
        folder = Path(url2pathname(place.path) if place.scheme else run.info.artifact_uri)
        files = folder.rglob("*") if folder.is_dir() else ()
        return {one.name: one.relative_to(folder).as_posix() for one in files if one.is_file()}
    return _listed(client, run.info.run_id)


def _listed(client: MlflowClient, run_id: str, folder: str | None = None) -> dict[str, str]:
    paths: dict[str, str] = {}
    for entry in client.list_artifacts(run_id, folder):
        if entry.is_dir:
            paths |= _listed(client, run_id, entry.path)
        else:
            paths[entry.path.rpartition("/")[2]] = entry.path
    return paths
