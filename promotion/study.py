"""The study file: what to train, what to compare it with, and by which policy to decide."""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PositiveFloat,
    PositiveInt,
    ValidationError,
    model_validator,
)

from promotion.errors import StudyError

ROOT = Path(__file__).resolve().parent.parent
STRIDE = 32

Metric = Literal["mAP50", "mAP50-95", "precision", "recall"]
Measure = Literal[
    "mAP50",
    "mAP50-95",
    "precision",
    "recall",
    "latency_p50_ms",
    "latency_p95_ms",
    "latency_ratio",
    "energy_wh",
    "train_seconds",
    "seed_spread",
]
Domain = Literal["day", "night", "winter"]
Optimizer = Literal["SGD", "Adam", "AdamW", "NAdam", "RAdam", "RMSProp", "MuSGD", "auto"]


def _multiple_of_stride(value: int) -> int:
    if value % STRIDE:
        nearest = max(STRIDE, round(value / STRIDE) * STRIDE)
        raise ValueError(f"{value} is not a multiple of {STRIDE} (try {nearest})")
    return value


ImageSize = Annotated[PositiveInt, AfterValidator(_multiple_of_stride)]
Share = Annotated[float, Field(gt=0, lt=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Dataset(_Strict):
    """Where the pictures come from and how many of them each split holds."""

    source: Literal["street_scenes", "coco128_persons", "folder"]
    domain: Domain = "night"
    path: Path | None = None
    train: PositiveInt | None = None
    val: PositiveInt | None = None
    test: PositiveInt | None = None
    seed: int = 42

    @model_validator(mode="after")
    def _sizes_or_path(self) -> Dataset:
        if self.source == "folder":
            if self.path is None:
                raise ValueError(
                    "source 'folder' needs path: the folder that holds images/ and labels/"
                )
            if any((self.train, self.val, self.test)):
                raise ValueError("train, val and test are the folder's own: remove them")
        else:
            if self.path is not None:
                raise ValueError(f"path is only for source 'folder', not '{self.source}'")
            missing = [split for split in ("train", "val", "test") if not getattr(self, split)]
            if missing:
                raise ValueError(f"source '{self.source}' needs the sizes of {', '.join(missing)}")
        return self

    @property
    def sizes(self) -> dict[str, int]:
        """The number of images a split, for sources that are made to measure."""
        return {"train": self.train or 0, "val": self.val or 0, "test": self.test or 0}


class CanaryDataset(_Strict):
    """Labelled production pictures that no earlier step has seen, in one split: `canary`."""

    source: Literal["street_scenes", "folder"]
    domain: Domain = "winter"
    path: Path | None = None
    images: PositiveInt | None = None
    seed: int = 42

    @model_validator(mode="after")
    def _size_or_path(self) -> CanaryDataset:
        if self.source == "folder" and (self.path is None or self.images is not None):
            raise ValueError(
                "source 'folder' needs path (the folder that holds images/canary and "
                "labels/canary), and takes all its images"
            )
        if self.source == "street_scenes" and (self.path is not None or self.images is None):
            raise ValueError("source 'street_scenes' needs images (how many), and takes no path")
        return self

    @property
    def sizes(self) -> dict[str, int]:
        """The number of images of the one split, for scenes that are made to measure."""
        return {"canary": self.images or 0}


class Model(_Strict):
    """The detector's name in run names, and the checkpoint that training starts from."""

    name: str = Field(default="yolov8n", pattern=r"^[A-Za-z0-9.-]+$")
    weights: str
    sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")


class Training(_Strict):
    """Settings shared by all variants; the names and defaults are those of Ultralytics."""

    nbs: PositiveInt = 64
    lrf: PositiveFloat = 0.01
    momentum: Share = 0.937
    weight_decay: Annotated[float, Field(ge=0)] = 0.0005
    warmup_epochs: Annotated[float, Field(ge=0)] = 3.0
    mosaic: Annotated[float, Field(ge=0, le=1)] = 1.0
    close_mosaic: Annotated[int, Field(ge=0)] = 10
    device: str = "cpu"


class Grid(_Strict):
    """The values of each swept parameter; the variants are all their combinations."""

    epochs: Annotated[list[PositiveInt], Field(min_length=1)]
    imgsz: Annotated[list[ImageSize], Field(min_length=1)]
    lr0: Annotated[list[PositiveFloat], Field(min_length=1)]
    seed: Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1)]
    batch: Annotated[list[PositiveInt], Field(min_length=1)]
    optimizer: Annotated[list[Optimizer], Field(min_length=1)] = ["SGD"]

    @model_validator(mode="after")
    def _no_value_twice(self) -> Grid:
        for key, values in self:
            if len(set(values)) < len(values):
                raise ValueError(f"{key} names a value twice: {values}")
        return self


class Baseline(_Strict):
    """The configuration to beat; a parameter with one value in the grid may be left out."""

    epochs: int | None = None
    imgsz: int | None = None
    lr0: float | None = None
    batch: int | None = None
    optimizer: str | None = None


class Objective(_Strict):
    """A metric to maximise, and the smallest difference in it that is worth a promotion."""

    metric: Metric
    smallest_gain: Annotated[float, Field(ge=0, lt=1)]


class GateRule(_Strict):
    """A limit that the candidate must respect whatever its gain."""

    measure: Measure
    at_least: float | None = None
    at_most: float | None = None

    @model_validator(mode="after")
    def _one_limit(self) -> GateRule:
        if (self.at_least is None) == (self.at_most is None):
            raise ValueError("a gate has exactly one limit: at_least or at_most")
        return self

    @property
    def limit(self) -> float:
        """The value of the one limit."""
        value = self.at_least if self.at_least is not None else self.at_most
        assert value is not None
        return value


# Metrics are shares; what is measured in seconds, watt-hours or as a ratio has no upper end.
SHARES = ("mAP50", "mAP50-95", "precision", "recall", "seed_spread")


class OperatingPoint(_Strict):
    """The rule that chooses, on val, the confidence at which precision and recall hold."""

    rule: Literal["f1", "precision_floor", "recall_floor"] = "f1"
    floor: Share | None = None

    @model_validator(mode="after")
    def _floor_where_needed(self) -> OperatingPoint:
        if (self.rule == "f1") != (self.floor is None):
            raise ValueError("floor goes with precision_floor and recall_floor, and only with them")
        return self


class Policy(_Strict):
    """By what the decision is made. The first objective chooses; the others must not be lost."""

    objectives: Annotated[list[Objective], Field(min_length=1)]
    constraints: dict[str, Measure] = {}
    gates: list[GateRule] = []
    confidence: Annotated[float, Field(gt=0.5, lt=1)] = 0.95
    operating_point: OperatingPoint = OperatingPoint()
    approval: bool = False

    @property
    def required_differences(self) -> dict[str, float]:
        """What candidate − baseline must exceed: the first objective gains, the others keep."""
        first, *others = self.objectives
        kept: dict[str, float] = {one.metric: -one.smallest_gain for one in others}
        return {first.metric: first.smallest_gain, **kept}

    @model_validator(mode="after")
    def _each_objective_once(self) -> Policy:
        metrics = [objective.metric for objective in self.objectives]
        if len(set(metrics)) < len(metrics):
            raise ValueError("an objective is named twice")
        return self

    @model_validator(mode="after")
    def _gates_can_be_passed(self) -> Policy:
        floors: dict[str, float] = {}
        ceilings: dict[str, float] = {}
        for gate in self.gates:
            bounds = floors if gate.at_least is not None else ceilings
            if gate.measure in bounds:
                raise ValueError(f"gates: {gate.measure} has the same kind of limit twice")
            bounds[gate.measure] = gate.limit
            if gate.limit < 0 or (gate.measure in SHARES and gate.limit > 1):
                allowed = "from 0 to 1" if gate.measure in SHARES else "0 or more"
                raise ValueError(
                    f"gates: {gate.measure} cannot reach {gate.limit:g} (it is {allowed})"
                )
        for measure in floors.keys() & ceilings.keys():
            if floors[measure] > ceilings[measure]:
                raise ValueError(
                    f"gates: {measure} cannot be at least {floors[measure]:g} and at most "
                    f"{ceilings[measure]:g}"
                )
        aim, asked = self.operating_point, floors.get("precision", 0.0)
        if aim.rule == "precision_floor" and aim.floor is not None and asked > aim.floor:
            raise ValueError(
                f"gates: precision must be at least {asked:g}, but operating_point aims at "
                f"{aim.floor:g}: raise its floor"
            )
        return self


class Margins(_Strict):
    """How much of a metric the challenger may lose and still pass for as good."""

    recall: Share
    precision: Share


class Canary(_Strict):
    """The last test before Production: on what pictures, and what counts as stable there."""

    dataset: CanaryDataset
    batch: PositiveInt = 20
    requests: PositiveInt = 4
    margins: Margins
    latency_p95_ms: PositiveFloat
    drift: Share = 0.5


class Variant(_Strict):
    """One training run of the grid."""

    epochs: int
    imgsz: int
    lr0: float
    seed: int
    batch: int
    optimizer: str
    configuration: str

    @property
    def run_name(self) -> str:
        """The configuration with its seed, as in `yolov8n_e5_sz416_lr0.01_s42`."""
        return f"{self.configuration}_s{self.seed}"

    @property
    def parameters(self) -> dict[str, int | float | str]:
        """What the training notebook takes."""
        return self.model_dump(exclude={"configuration"})


class Study(_Strict):
    """A validated study file."""

    name: str = Field(pattern=r"^[a-z0-9_-]+$")
    experiment: str = Field(min_length=1)
    dataset: Dataset
    model: Model
    training: Training = Training()
    grid: Grid
    baseline: Baseline
    policy: Policy
    canary: Canary | None = None

    @model_validator(mode="after")
    def _baseline_in_grid(self) -> Study:
        for key, value in self.baseline:
            allowed = getattr(self.grid, key)
            if value is None and len(allowed) > 1:
                raise ValueError(f"baseline.{key} is missing: choose one of {allowed}")
            if value is not None and value not in allowed:
                raise ValueError(f"baseline.{key}: {value} is not in the grid (allowed: {allowed})")
        measures = {gate.measure for gate in self.policy.gates}
        if "seed_spread" in measures and len(self.grid.seed) < 2:
            raise ValueError("policy.gates: seed_spread is not measured with a single grid.seed")
        if len(self.configurations) < 2:
            raise ValueError("grid: it holds the baseline alone; give a parameter a second value")
        return self

    @property
    def variants(self) -> list[Variant]:
        """Every combination of the grid, seeds innermost so that configurations stay together."""
        grid = self.grid
        combinations = itertools.product(
            grid.epochs, grid.imgsz, grid.lr0, grid.batch, grid.optimizer, grid.seed
        )
        return [
            self.variant(epochs, imgsz, lr0, seed, batch, optimizer)
            for epochs, imgsz, lr0, batch, optimizer, seed in combinations
        ]

    def variant(
        self, epochs: int, imgsz: int, lr0: float, seed: int, batch: int, optimizer: str
    ) -> Variant:
        """The variant with these parameters, named as the study names its own."""
        return Variant(
            epochs=epochs,
            imgsz=imgsz,
            lr0=lr0,
            seed=seed,
            batch=batch,
            optimizer=optimizer,
            configuration=self._configuration(epochs, imgsz, lr0, batch, optimizer),
        )

    @property
    def configurations(self) -> list[str]:
        """The configurations' names, in the order of the grid."""
        return list(dict.fromkeys(variant.configuration for variant in self.variants))

    @property
    def baseline_configuration(self) -> str:
        """The name of the configuration to beat."""
        chosen = {
            key: value if value is not None else getattr(self.grid, key)[0]
            for key, value in self.baseline
        }
        return self._configuration(**chosen)

    def _configuration(
        self, epochs: int, imgsz: int, lr0: float, batch: int, optimizer: str
    ) -> str:
        name = f"{self.model.name}_e{epochs}_sz{imgsz}_lr{lr0:g}"
        # The lab's names carry neither batch nor optimizer; a sweep over them must tell them apart.
        if len(self.grid.batch) > 1:
            name += f"_b{batch}"
        if len(self.grid.optimizer) > 1:
            name += f"_{optimizer}"
        return name


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
