"""What a name in MLflow means: which metric, on which split, which setting; whoever chose it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Literal, TypeVar

from promotion.metrics import MEASURES

Split = Literal["", "val", "test", "train"]
Value = TypeVar("Value")

_SPLITS: dict[str, Split] = {
    **dict.fromkeys(("val", "valid", "validation", "eval", "dev"), "val"),
    "test": "test",
    **dict.fromkeys(("train", "training"), "train"),
}
_ORNAMENTS = {"metrics", "metric", "bbox", "box", "coco", "epoch"}
# What is said of a metric where the bare name would leave it open.
_OTHER_NAMES = {"ap50": "mAP50", "ap5095": "mAP50-95"}
PARAMETER_NAMES = {
    "epochs": ("epochs", "numepochs", "nepochs", "maxepochs"),
    "imgsz": ("imgsz", "imgsize", "imagesize"),
    "lr0": ("lr0", "lr", "learningrate", "initiallr", "baselr"),
    "batch": ("batch", "batchsize", "trainbatchsize"),
    "optimizer": ("optimizer", "optim"),
    "seed": ("seed", "randomstate", "randomseed", "manualseed", "globalseed", "rngseed"),
    "split_seed": ("splitseed", "dataseed", "splitrandomstate"),
}
# What a study leaves to chance: no configuration.
CHANCES = ("seed", "split_seed")
# Settings that name a run, say where it ran or what it shows, and are not meant to change it.
_NEUTRAL = {
    *("name", "runname", "runid", "project", "experiment", "experimentname", "version"),
    *("savedir", "outputdir", "logdir", "defaultrootdir", "existok", "ckptpath", "resume"),
    *("workers", "numworkers", "njobs", "threads", "numthreads", "device", "devices"),
    *("accelerator", "host", "hostname", "user", "timestamp", "date", "tracker"),
    *("verbose", "plots", "save", "saveperiod", "show", "gpu", "hardware", "devicename"),
}
# Ratios of counts: two different models often have the same.
_COARSE = {
    *("accuracy", "acc", "precision", "recall", "f1", "fbeta", "score", "top1", "top5"),
    *("kappa", "jaccard", "specificity", "sensitivity", "balanced"),
}
_COSTS = {
    *("time", "duration", "seconds", "sec", "secs", "ms", "latency", "throughput", "fps"),
    *("energy", "wh", "kwh", "co2", "emissions", "speed", "memory", "mem", "gpu", "cpu", "system"),
}
# What is no result of a training, though it was logged as a metric.
_SCHEDULES = {"lr", "flops", "gflops", "parameters", "params"}
_HIGHER = {
    *("map50", "map5095", "map", "accuracy", "acc", "f1", "auc", "auroc", "roc", "r2", "score"),
    *("precision", "recall", "iou", "dice", "bleu"),
}
_LOWER = {"loss", "error", "rmse", "mse", "mae", "perplexity", "wer"}


@cache
def tokens(name: str) -> tuple[str, ...]:
    """The words of a name, in lower case: `metrics/mAP_0.5(B)` gives metrics, map, 50."""
    bare = re.sub(r"(\(B\)|(?<=[a-z0-9])B)$", "", name.strip()).lower()
    bare = re.sub(r"\b0?\.(\d)(?!\d)", r"\g<1>0", bare.replace("_", " "))
    bare = re.sub(r"\b0?\.(\d\d)\b", r"\1", bare)
    return tuple(word for word in re.split(r"[^a-z0-9]+", bare) if word)


@cache
def split_of(name: str) -> Split:
    """The split that a metric's name speaks of; empty where it names none."""
    return next((_SPLITS[word] for word in tokens(name) if word in _SPLITS), "")


@cache
def _core(name: str) -> str:
    return "".join(w for w in tokens(name) if w not in _SPLITS and w not in _ORNAMENTS)


_MEANINGS = {
    _core(name): one.name
    for one in MEASURES.values()
    if one.kind != "spread"
    for name in (one.name, *one.aliases)
} | _OTHER_NAMES


@cache
def meaning(name: str) -> str | None:
    """The product's own name of this metric or cost; None for any other, and for those of train."""
    return None if split_of(name) == "train" else _MEANINGS.get(_core(name))


@cache
def _rank(name: str) -> tuple[int, str]:
    """Of several names with one meaning: our own first, then those that say val, then test."""
    ours = meaning(name)
    if name == ours or (ours and name in MEASURES[ours].aliases):
        return int(name != ours), name
    return {"": 2, "val": 3, "test": 4, "train": 5}[split_of(name)], name


def logged_as(names: Iterable[str]) -> dict[str, str]:
    """The product's names of what is among these, each with the name that it was logged under."""
    found: dict[str, str] = {}
    for name in sorted(names, key=_rank):
        ours = meaning(name)
        if ours is not None:
            found.setdefault(ours, name)
    return found


def detects(names: Iterable[str]) -> bool:
    """Whether metrics with these names are of a detector: a mean average precision is there."""
    return any(meaning(name) in ("mAP50", "mAP50-95") for name in names)


def renamed(values: Mapping[str, Value]) -> dict[str, Value]:
    """The values under the product's own names where they have one, else under their own."""
    ours = {theirs: name for name, theirs in logged_as(values).items()}
    return {ours.get(name, name): value for name, value in values.items()}


@cache
def _last_word(name: str) -> str:
    """The last part of a nested setting's name, without separators: `optim/max_epochs`."""
    return re.sub(r"[^a-z0-9]", "", re.split(r"[/.]|__", name)[-1].lower())


@cache
def setting(name: str) -> str:
    """The product's own name of a setting, or the name itself."""
    last = _last_word(name)
    return next((ours for ours, theirs in PARAMETER_NAMES.items() if last in theirs), name)


def settings(values: Mapping[str, Value]) -> dict[str, Value]:
    """Settings under the product's own names; of two with one meaning, the shorter name has it."""
    found: dict[str, Value] = {}
    for name in sorted(values, key=lambda name: (len(name), name)):
        ours = setting(name)
        found[name if ours in found else ours] = values[name]
    return found


@cache
def is_neutral(name: str) -> bool:
    """Whether a setting is not meant to change the result."""
    return name.startswith("applied_") or _last_word(name) in _NEUTRAL


@cache
def is_cost(name: str) -> bool:
    """Whether a metric is what a run cost: its time, energy, memory."""
    return bool(_COSTS.intersection(tokens(name)))


@cache
def is_result(name: str) -> bool:
    """Whether a metric tells of the model: no cost, no schedule, no counter."""
    words = set(tokens(name))
    return not (is_cost(name) or words & _SCHEDULES or words <= {"epoch", "epochs", "step"})


@cache
def is_fine(name: str) -> bool:
    """Whether a result is no mere count of right answers, so that chance does not repeat it."""
    return is_result(name) and not _COARSE.intersection(tokens(name))


@cache
def higher_is_better(name: str) -> bool | None:
    """The direction of a result; None where its name does not tell."""
    words = {*tokens(name), _core(name)}
    if words & _LOWER:
        return False
    return True if words & _HIGHER else None
