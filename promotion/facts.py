"""What travels: values that are made once and never changed, and that JSON can hold."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict


class Fact(BaseModel):
    """A value that travels through MLflow and is never changed.

    What is not known, NaN, comes back as it was: JSON has no word for it, and holds it as a string.
    """

    model_config = ConfigDict(frozen=True, ser_json_inf_nan="strings")


class Note(Fact):
    """Something to tell: an id, and the facts that its sentence needs; `report` words it."""

    id: str
    facts: dict[str, Any] = {}
