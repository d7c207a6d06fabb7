"""What a student hands in: the answers, and the decision beside them, as artifacts of one run.

Read by a teacher, it is text from outside: bounded, and never a file from elsewhere.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import yaml
from mlflow.tracking import MlflowClient

from promotion.errors import DocumentError
from promotion.facts import Fact
from promotion.lab.homework import read_answers
from promotion.lab.review import read_decision
from promotion.store import Artifact, Role, Tag, artifact, log_bytes, newest, set_tags, start_run
from promotion.study import Study

MOST_BYTES = 1 << 16
# Where the answers lie in a student's folder: in it, or as the lab's pages have it.
PLACES = (Artifact.ANSWERS, f"lab/{Artifact.ANSWERS}")


class Submission(Fact):
    """The answers by chapter, and the text of the decision; None where none was handed in."""

    answers: dict[str, dict[str, object]]
    decision: str | None


def read_submission(answers: Path) -> Submission:
    """The file of answers, and the decision that it names, if that lies below its folder.

    Raises:
        DocumentError: one of them cannot be read, or is too large to be one.
    """
    found = _bounded_answers(answers)
    named = found.get("decide", {}).get("document") or Artifact.DECISION_MD
    document = _below(answers.parent, str(named))
    return Submission(answers=found, decision=read_decision(document) if document else None)


def found_in(folder: Path) -> Submission | None:
    """What lies in a student's folder, such as a clone of their repository; None without answers.

    Raises:
        DocumentError: a file cannot be read, or is too large to be one.
    """
    answers = next(filter(None, (_below(folder, place) for place in PLACES)), None)
    return read_submission(answers) if answers else None


def hand_in(client: MlflowClient, study: Study, answers: Path) -> Submission:
    """Log the answers and the decision to the study's experiment, and return what was logged.

    Raises:
        DocumentError: one of them cannot be read, or is too large to be one.
    """
    if not answers.is_file():
        raise DocumentError(f"{answers}: is no file; `promotion lab exercises lab` writes it")
    found = read_submission(answers)
    tags = {Tag.ROLE: Role.SUBMISSION, Tag.STUDY: study.name}
    run_id = start_run(client, study.experiment, Role.SUBMISSION, tags)
    log_bytes(client, run_id, Artifact.ANSWERS, answers.read_bytes())
    if found.decision is not None:
        log_bytes(client, run_id, Artifact.DECISION_MD, found.decision.encode())
    set_tags(client, run_id, {Tag.COMPLETE: "true"})
    client.set_terminated(run_id, "FINISHED")
    return found


def collected(client: MlflowClient, study: Study) -> Submission | None:
    """What was handed in last to the study's experiment; None before anything was.

    Raises:
        DocumentError: it cannot be read, or is too large to be one.
    """
    run = newest(client, study.experiment, {Tag.ROLE: Role.SUBMISSION, Tag.COMPLETE: "true"})
    if run is None:
        return None
    sizes = {one.path: one.file_size or 0 for one in client.list_artifacts(run.info.run_id)}
    places = {}
    for name in (Artifact.ANSWERS, Artifact.DECISION_MD):
        if sizes.get(name, 0) > MOST_BYTES:
            raise DocumentError(f"{name}: {sizes[name]} bytes, at most {MOST_BYTES} are read")
        if name in sizes:
            places[name] = artifact(client, run.info.run_id, name)
    answers, decision = places.get(Artifact.ANSWERS), places.get(Artifact.DECISION_MD)
    return Submission(
        answers=_bounded_answers(answers) if answers else {},
        decision=read_decision(decision) if decision else None,
    )


def _bounded_answers(place: Path) -> dict[str, dict[str, object]]:
    """The answers of a file of this size at most, whose aliases cannot multiply what it holds."""
    try:
        size = place.stat().st_size
        content = place.read_text(encoding="utf-8") if size <= MOST_BYTES else ""
    except (OSError, UnicodeDecodeError):
        raise DocumentError(f"{place}: is no text in UTF-8 that can be read") from None
    if size > MOST_BYTES:
        raise DocumentError(f"{place}: {size} bytes, at most {MOST_BYTES} are read")
    # What is no YAML is told by who reads it.
    with suppress(yaml.YAMLError, RecursionError):
        if any(isinstance(one, yaml.AliasEvent) for one in yaml.parse(content)):
            raise DocumentError(f"{place}: holds an alias (*name); write the value out")
    return read_answers(place)


def _below(folder: Path, name: str) -> Path | None:
    """The file of this name in a folder; None if it is none, or lies elsewhere, as by a link."""
    with suppress(OSError, ValueError):
        place = folder / name
        if place.is_file() and place.resolve().is_relative_to(folder.resolve()):
            return place
    return None
