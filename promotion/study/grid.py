"""The grid: the values of each swept parameter, and the variants that they make."""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from promotion.study.section import Section, Seed

STRIDE = 32
MOST_VARIANTS = 1000

Optimizer = Literal["SGD", "Adam", "AdamW", "NAdam", "RAdam", "RMSProp", "MuSGD", "auto"]


def _multiple_of_stride(value: int) -> int:
    if value % STRIDE:
        nearest = max(STRIDE, round(value / STRIDE) * STRIDE)
        raise ValueError(f"{value} is not a multiple of {STRIDE} (try {nearest})")
    return value


ImageSize = Annotated[int, Field(gt=0, le=8192), AfterValidator(_multiple_of_stride)]


class Grid(Section):
    """The values of each swept parameter; the variants are all their combinations.

    `split_seed` is not combined: the nth of them goes with the nth seed, so that the runs of a
    configuration differ in all that is left to chance and are as many as its seeds (Bouthillier et
    al., *Accounting for Variance in Machine Learning Benchmarks*, MLSys 2021).
    """

    epochs: Annotated[list[Annotated[int, Field(gt=0, le=10_000)]], Field(min_length=1)]
    imgsz: Annotated[list[ImageSize], Field(min_length=1)]
    # Ultralytics refuses more than 1, once a training has begun.
    lr0: Annotated[list[Annotated[float, Field(gt=0, le=1)]], Field(min_length=1)]
    seed: Annotated[list[Seed], Field(min_length=1)]
    split_seed: list[Seed] = Field(default=[])
    batch: Annotated[list[Annotated[int, Field(gt=0, le=4096)]], Field(min_length=1)]
    optimizer: Annotated[list[Optimizer], Field(min_length=1)] = Field(default=["SGD"])

    @property
    def swept(self) -> list[str]:
        """The parameters that have more than one value."""
        return [key for key, values in self if len(values) > 1]

    @model_validator(mode="after")
    def _no_value_twice(self) -> Grid:
        for key, values in self:
            if len(set(values)) < len(values):
                raise ValueError(f"{key} names a value twice: {values}")
        return self

    @model_validator(mode="after")
    def _not_too_many(self) -> Grid:
        variants = math.prod(len(values) for key, values in self if key != "split_seed")
        if variants > MOST_VARIANTS:
            raise ValueError(f"{variants} variants, more than {MOST_VARIANTS}; remove some values")
        return self

    @model_validator(mode="after")
    def _a_split_seed_for_each_seed(self) -> Grid:
        if self.split_seed and len(self.split_seed) != len(self.seed):
            raise ValueError(
                f"split_seed: {len(self.split_seed)} for {len(self.seed)} values of seed; the nth "
                "goes with the nth seed: name as many"
            )
        return self

    @property
    def chances(self) -> list[tuple[int, int | None]]:
        """What is left to chance in each run of a configuration: its seed and its split's."""
        drawn: list[int | None] = [*self.split_seed] or [None] * len(self.seed)
        return list(zip(self.seed, drawn, strict=True))

    @model_validator(mode="after")
    def _names_tell_apart(self) -> Grid:
        written: dict[str, float] = {}
        for value in self.lr0:
            twin = written.setdefault(f"{value:g}", value)
            if twin != value:
                raise ValueError(
                    f"lr0: {twin!r} and {value!r} make one run name (lr{value:g}); "
                    "round them to six digits, or keep one"
                )
        return self


class Baseline(Section):
    """The configuration to beat; a parameter with one value in the grid may be left out."""

    epochs: int | None = None
    imgsz: int | None = None
    lr0: float | None = None
    batch: int | None = None
    optimizer: str | None = None


class Variant(Section):
    """One training run of the grid."""

    epochs: int
    imgsz: int
    lr0: float
    seed: int
    batch: int
    optimizer: str
    configuration: str
    split_seed: int | None = None

    @property
    def run_name(self) -> str:
        """The configuration with its seed, as in `yolov8n_e5_sz416_lr0.01_s42`.

        A split of its own is named after it: `…_s42_split7`.
        """
        name = f"{self.configuration}_s{self.seed}"
        return name if self.split_seed is None else f"{name}_split{self.split_seed}"

    @property
    def parameters(self) -> dict[str, int | float | str]:
        """What the training notebook takes."""
        return self.model_dump(exclude={"configuration"}, exclude_none=True)
