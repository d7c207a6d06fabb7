"""The steps of the flow, in order: the one table that says what each is and what it needs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from promotion.paths import ROOT
from promotion.store import Role


@dataclass(frozen=True)
class FlowStep:
    """A step: its role in MLflow, its notebook, the roles whose runs it reads, its command.

    Its notebook takes `<role>_run` for each need, but for the runs of the variants, which are
    `runs`, and the dataset's digest, which is `dataset`.
    """

    role: str
    notebook: str
    needs: tuple[str, ...]
    command: str

    @property
    def path(self) -> Path:
        """Where its notebook is."""
        return ROOT / f"{self.chapter}.ipynb"

    @property
    def chapter(self) -> str:
        """Its place in the book."""
        return f"notebooks/{self.notebook}"


STEPS = {
    step.role: step
    for step in (
        FlowStep(Role.DATASET, "1_dataset", (), "run"),
        FlowStep(Role.VARIANT, "2_train", (Role.DATASET,), "run"),
        FlowStep(Role.SELECTION, "3_choose", (Role.VARIANT,), "choose"),
        FlowStep(Role.COMPARISON, "3_confirm", (Role.SELECTION,), "decide"),
        FlowStep(Role.DIAGNOSIS, "3_diagnose", (Role.COMPARISON,), "decide"),
        FlowStep(Role.DECISION, "4_decide", (Role.DIAGNOSIS,), "decide"),
        FlowStep(
            Role.REGISTRATION,
            "5_register",
            (Role.DECISION, Role.DATASET, Role.VARIANT),
            "register",
        ),
        FlowStep(Role.CANARY, "6_canary", (Role.REGISTRATION,), "canary"),
    )
}
# What follows the training, a run each.
CHAIN = tuple(role for role in STEPS if role not in (Role.DATASET, Role.VARIANT))
