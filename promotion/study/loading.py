"""Reads a study file; every fault is one line that names the key and the mend."""

from __future__ import annotations

import difflib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from promotion.errors import StudyError
from promotion.paths import ROOT
from promotion.study.reading import parse, read_text, shown, visible
from promotion.study.schema import Study

# So many faults are told, each in so many characters.
MOST_FAULTS, MOST_CHARACTERS = 10, 240
SET_VARIABLE = "PROMOTION_SET"


def load_study(path: Path, overrides: Sequence[str] = ()) -> Study:
    """Read and validate a study file; `overrides` are `key.key=value` assignments, in YAML.

    A relative path is looked up here, then from the project's root, as notebooks name it.

    Raises:
        StudyError: the file is missing, is not YAML or breaks a rule; one line a fault, naming
            the key, what was found and what is allowed.
    """
    try:
        path = path if path.exists() else ROOT / path
        text = read_text(path)
    except OSError as error:
        known = ", ".join(sorted(str(p.relative_to(ROOT)) for p in ROOT.glob("studies/*.yaml")))
        raise StudyError(
            f"{path}: cannot be read ({error.strerror}); studies here: {known}"
        ) from None
    try:
        content = parse(text)
    except StudyError as error:
        raise StudyError(f"{path}: {error}") from None
    if not isinstance(content, dict):
        raise StudyError(f"{path}: a study is a mapping of keys, found {type(content).__name__}")
    for override in overrides:
        _apply_override(content, override)
    try:
        return Study.model_validate(content)
    except ValidationError as error:
        raise StudyError("\n".join(_told(path, error.errors()))) from None


def standing_overrides() -> list[str]:
    """What the environment overrides in every study, before a command's --set does."""
    return [one for one in os.environ.get(SET_VARIABLE, "").split(";") if one]


def _told(path: Path, faults: Sequence[Any]) -> list[str]:
    """A line for each of the first faults, and how many more there are."""
    lines = list(dict.fromkeys(f"{path}: {_explain(fault)}" for fault in faults))
    more = len(lines) - MOST_FAULTS
    return lines if more <= 0 else [*lines[:MOST_FAULTS], f"{path}: and {more} more faults"]


def _apply_override(content: dict[str, Any], override: str) -> None:
    keys, separator, text = override.partition("=")
    written = visible(override)
    if not separator:
        raise StudyError(f"--set {written}: write it as key.key=value, as in grid.seed=[1,2,3]")
    *parents, last = keys.split(".")
    target: Any = content
    for key in parents:
        target = target.setdefault(key, {}) if isinstance(target, dict) else None
    if not isinstance(target, dict):
        raise StudyError(
            f"--set {written}: {visible('.'.join(parents))} is not a mapping in the study"
        )
    try:
        target[last] = parse(text)
    except StudyError as error:
        raise StudyError(f"--set {written}: {error}") from None


def _explain(fault: Any) -> str:
    """One pydantic fault as one line: key, what was found, what is allowed."""
    key = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in fault["loc"])
    key = visible(key.lstrip("."))
    if fault["type"] == "extra_forbidden":
        return f"{key}: unknown key; {_allowed_keys(fault['loc'])}"
    message = fault["msg"].removeprefix("Value error, ")
    if fault["type"] == "value_error":
        message = visible(message, MOST_CHARACTERS)
        return f"{key}: {message}" if key else message
    if fault["type"] == "missing":
        return f"{key}: required, but not there"
    return f"{key}: {message[0].lower()}{message[1:]}, found {shown(fault['input'])}"


def _allowed_keys(location: tuple[Any, ...]) -> str:
    """The keys that a fault's parent takes, the nearest to what was written first."""
    model: Any = Study
    for part in location[:-1]:
        # Between two keys may stand the name of the one model, of several, that was tried.
        if isinstance(part, str) and part in model.model_fields:
            annotation = model.model_fields[part].annotation
            arguments = getattr(annotation, "__args__", (annotation,))
            model = next(
                (a for a in arguments if isinstance(a, type) and issubclass(a, BaseModel)),
                annotation,
            )
    keys = list(model.model_fields)
    near = difflib.get_close_matches(str(location[-1]), keys, n=1)
    guess = f"did you mean {near[0]}? " if near else ""
    return f"{guess}allowed: {', '.join(keys)}"
