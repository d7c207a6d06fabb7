"""The grid: the values of each swept parameter, and the variants that they make."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, PositiveFloat, PositiveInt, model_validator

from promotion.study.section import Section

STRIDE = 32

Optimizer = Literal["SGD", "Adam", "AdamW", "NAdam", "RAdam", "RMSProp", "MuSGD", "auto"]


def _multiple_of_stride(value: int) -> int:
    if value % STRIDE:
        nearest = max(STRIDE, round(value / STRIDE) * STRIDE)
        raise ValueError(f"{value} is not a multiple of {STRIDE} (try {nearest})")
    return value


ImageSize = Annotated[PositiveInt, AfterValidator(_multiple_of_stride)]


class Grid(Section):
    """The values of each swept parameter; the variants are all their combinations."""

    epochs: Annotated[list[PositiveInt], Field(min_length=1)]
    imgsz: Annotated[list[ImageSize], Field(min_length=1)]
    lr0: Annotated[list[PositiveFloat], Field(min_length=1)]
    seed: Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1)]
    batch: Annotated[list[PositiveInt], Field(min_length=1)]
    optimizer: Annotated[list[Optimizer], Field(min_length=1)] = Field(default=["SGD"])

    @model_validator(mode="after")
    def _no_value_twice(self) -> Grid:
        for key, values in self:
            if len(set(values)) < len(values):
                raise ValueError(f"{key} names a value twice: {values}")
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

    @property
    def run_name(self) -> str:
        """The configuration with its seed, as in `yolov8n_e5_sz416_lr0.01_s42`."""
        return f"{self.configuration}_s{self.seed}"

    @property
    def parameters(self) -> dict[str, int | float | str]:
        """What the training notebook takes."""
        return self.model_dump(exclude={"configuration"})
