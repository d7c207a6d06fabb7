"""What every section of a study file shares."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo, field_validator

Share = Annotated[float, Field(gt=0, lt=1)]
# What Python, NumPy and PyTorch all take as a seed.
Seed = Annotated[int, Field(ge=0, lt=2**32)]
LONGEST_NAME = 60


def _name(text: str) -> str:
    if len(text) > LONGEST_NAME or not re.fullmatch(r"\w([\w .-]*\w)?", text):
        raise ValueError(
            f"{text[:LONGEST_NAME]!r} is not a name (letters, digits and _, between them also "
            f"space, . and -; at most {LONGEST_NAME} in all)"
        )
    return text


# Files and folders are named by names: nothing that leads elsewhere, or is too long.
Name = Annotated[str, AfterValidator(_name)]


class Section(BaseModel):
    """A part of a study file; an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _no_truth_value_for_a_number(cls, value: Any, info: ValidationInfo) -> Any:
        wanted = cls.model_fields[info.field_name or ""].annotation
        values = value if isinstance(value, list) else [value]
        if wanted is not bool and any(isinstance(one, bool) for one in values):
            raise ValueError("true and false (or yes, no, on, off) are neither number nor name")
        return value
