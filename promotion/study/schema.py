"""The study file: what to train, what to compare it with, and by which policy to decide."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from promotion.study.grid import Baseline, Grid, Variant
from promotion.study.policy import Policy
from promotion.study.section import Name, Section, Seed, Share

Domain = Literal["day", "busy", "night", "winter"]
# Of the 128 photographs of COCO128, so many show a person.
PHOTOGRAPHS = 61


class Grouping(Section):
    """How a picture's group is known: a pattern in its name, or a column of slices.csv."""

    pattern: str | None = None
    column: str | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Grouping:
        if (self.pattern is None) == (self.column is None):
            raise ValueError("a group is known by pattern or by column: name one of them")
        try:
            re.compile(self.pattern or "")
        except re.error as error:
            raise ValueError(f"pattern is not a regular expression ({error})") from None
        return self


class Dataset(Section):
    """Where the pictures come from and how many of them each split holds."""

    source: Literal["street_scenes", "coco128_persons", "folder"]
    domain: Domain = "night"
    path: Path | None = None
    train: PositiveInt | None = None
    val: PositiveInt | None = None
    test: PositiveInt | None = None
    seed: Seed = 42
    group: Grouping | Literal["none"] | None = None

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


class CanaryDataset(Section):
    """Labelled production pictures that no earlier step has seen, in one split: `canary`."""

    source: Literal["street_scenes", "coco128_persons", "folder"]
    domain: Domain = "winter"
    path: Path | None = None
    images: PositiveInt | None = None
    seed: Seed = 42
    group: Grouping | Literal["none"] | None = None

    @model_validator(mode="after")
    def _size_or_path(self) -> CanaryDataset:
        if self.source == "folder" and (self.path is None or self.images is not None):
            raise ValueError(
                "source 'folder' needs path (the folder that holds images/canary and "
                "labels/canary), and takes all its images"
            )
        if self.source != "folder" and (self.path is not None or self.images is None):
            raise ValueError(f"source '{self.source}' needs images (how many), and takes no path")
        return self

    @property
    def sizes(self) -> dict[str, int]:
        """The number of images of the one split, for sources that are made to measure."""
        return {"canary": self.images or 0}


class Model(Section):
    """The detector's name in run names, the checkpoint that training starts from, and what a
    promoted model is called in the registry.
    """

    name: str = Field(default="yolov8n", pattern=r"^[A-Za-z0-9.-]+$", max_length=40)
    weights: str
    sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    # Some servers compare names without their case, and MLflow takes neither / nor : in one.
    registered_name: str = Field(
        default="person-detector", pattern=r"^[a-z0-9][a-z0-9_-]*$", max_length=60
    )


class Training(Section):
    """Settings shared by all variants; the names and defaults are those of Ultralytics."""

    nbs: PositiveInt = 64
    lrf: Annotated[float, Field(gt=0, le=1)] = 0.01
    momentum: Share = 0.937
    weight_decay: Annotated[float, Field(ge=0, le=1)] = 0.0005
    warmup_epochs: Annotated[float, Field(ge=0)] = 3.0
    mosaic: Annotated[float, Field(ge=0, le=1)] = 1.0
    close_mosaic: Annotated[int, Field(ge=0)] = 10
    device: str = "cpu"


class Margins(Section):
    """How much of a metric the challenger may lose and still pass for as good."""

    recall: Share
    precision: Share


class Canary(Section):
    """The last test before Production: on what pictures, and what counts as stable there."""

    dataset: CanaryDataset
    batch: PositiveInt = 20
    requests: PositiveInt = 4
    margins: Margins
    latency_p95_ms: PositiveFloat
    # The longest disturbance of the machine that the promise on latency covers; holding it takes
    # at least 130 times as long.
    burst_s: PositiveFloat = 1.0
    drift: Share = 0.5


class Study(Section):
    """A validated study file."""

    name: str = Field(pattern=r"^[a-z0-9_-]+$", max_length=60)
    experiment: Name
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

    @model_validator(mode="after")
    def _only_what_we_split_is_split_anew(self) -> Study:
        if self.grid.split_seed and self.dataset.source == "folder":
            raise ValueError(
                "grid.split_seed: the splits of source 'folder' are its own; remove split_seed"
            )
        return self

    @model_validator(mode="after")
    def _photographs_are_held_out_of_one_shuffle(self) -> Study:
        held_out = self.canary.dataset if self.canary else None
        if held_out is None or {held_out.source, self.dataset.source} != {"coco128_persons"}:
            return self
        if held_out.seed != self.dataset.seed:
            raise ValueError(
                f"canary.dataset.seed: {held_out.seed} would show photographs of the study's "
                f"splits again; give it dataset.seed, {self.dataset.seed}"
            )
        asked = sum((*self.dataset.sizes.values(), *held_out.sizes.values()))
        if asked > PHOTOGRAPHS:
            raise ValueError(
                f"canary.dataset: {asked} photographs asked for with the study's splits, but "
                f"COCO128 has {PHOTOGRAPHS} with a person; lower images, train, val or test"
            )
        return self

    @property
    def variants(self) -> list[Variant]:
        """Every combination of the grid, seeds innermost so that configurations stay together."""
        grid = self.grid
        combinations = itertools.product(
            grid.epochs, grid.imgsz, grid.lr0, grid.batch, grid.optimizer, grid.chances
        )
        return [
            self.variant(epochs, imgsz, lr0, seed, batch, optimizer, split_seed)
            for epochs, imgsz, lr0, batch, optimizer, (seed, split_seed) in combinations
        ]

    def variant(
        self,
        epochs: int,
        imgsz: int,
        lr0: float,
        seed: int,
        batch: int,
        optimizer: str,
        split_seed: int | None = None,
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
            split_seed=split_seed,
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
