"""Reads a study file; every fault is one line that names the key and the mend."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from promotion.errors import StudyError
from promotion.paths import ROOT
from promotion.study.schema import Study


def load_study(path: Path, overrides: Sequence[str] = ()) -> Study:
    """Read and validate a study file; `overrides` are `key.key=value` assignments, in YAML.

    A relative path is looked up here, then from the project's root, as notebooks name it.

    Raises:
        StudyError: the file is missing, is not YAML or breaks a rule; one line a fault, naming
            the key, what was found and what is allowed.
    """
    if not path.exists():
        path = ROOT / path
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        known = ", ".join(sorted(str(p.relative_to(ROOT)) for p in ROOT.glob("studies/*.yaml")))
        raise StudyError(
            f"{path}: cannot be read ({error.strerror}); studies here: {known}"
        ) from None
    except yaml.YAMLError as error:
        where = getattr(error, "problem_mark", None)
        line = f" at line {where.line + 1}" if where else ""
        raise StudyError(f"{path}: not YAML{line}: {getattr(error, 'problem', error)}") from None
    if not isinstance(content, dict):
        raise StudyError(f"{path}: a study is a mapping of keys, found {type(content).__name__}")
    for override in overrides:
        _apply_override(content, override)
    try:
        return Study.model_validate(content)
    except ValidationError as error:
        lines = [f"{path}: {_explain(fault)}" for fault in error.errors()]
        raise StudyError("\n".join(dict.fromkeys(lines))) from None


def _apply_override(content: dict[str, Any], override: str) -> None:
    keys, separator, text = override.partition("=")
    if not separator:
        raise StudyError(f"--set {override}: write it as key.key=value, as in grid.seed=[1,2,3]")
    *parents, last = keys.split(".")
    target: Any = content
    for key in parents:
        target = target.setdefault(key, {}) if isinstance(target, dict) else None
    if not isinstance(target, dict):
        raise StudyError(f"--set {override}: {'.'.join(parents)} is not a mapping in the study")
    try:
        target[last] = yaml.safe_load(text)
    except yaml.YAMLError:
        raise StudyError(f"--set {override}: the value is not YAML") from None


def _explain(fault: Any) -> str:
    """One pydantic fault as one line: key, what was found, what is allowed."""
    key = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in fault["loc"])
    key = key.lstrip(".")
    if fault["type"] == "extra_forbidden":
        return f"{key}: unknown key; {_allowed_keys(fault['loc'])}"
    message = fault["msg"].removeprefix("Value error, ")
    if fault["type"] == "value_error":
        return f"{key}: {message}" if key else message
    if fault["type"] == "missing":
        return f"{key}: required, but not there"
    return f"{key}: {message[0].lower()}{message[1:]}, found {fault['input']!r}"


def _allowed_keys(location: tuple[Any, ...]) -> str:
    """The keys that a fault's parent takes, the nearest to what was written first."""
    model: Any = Study
    for part in location[:-1]:
        if isinstance(part, str):
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
