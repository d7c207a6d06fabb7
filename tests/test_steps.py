"""The table of steps: each has its notebook, its chapter, and takes what it says it needs."""

from __future__ import annotations

import nbformat
import pytest
import yaml

from promotion.execution import variant_steps
from promotion.paths import ROOT
from promotion.report.book.source import RUNS_CHAPTER
from promotion.steps import CHAIN, STEPS, FlowStep
from promotion.store import Role
from promotion.study import Study

# What papermill hands every notebook; the home comes from the environment.
COMMON = {"study", "overrides", "run_id"}


def parameters(step: FlowStep) -> set[str]:
    """The names that the notebook's cell of parameters sets."""
    cells = nbformat.read(step.path, as_version=4).cells
    cell = next(one for one in cells if "parameters" in one.metadata.get("tags", []))
    return {line.partition(":")[0].strip() for line in cell.source.splitlines() if ":" in line}


@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)
def test_every_step_has_its_notebook_and_its_chapter(step: FlowStep) -> None:
    """A step without a chapter is work that the book's reader never sees."""
    assert step.path.is_file()
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    chapters = {one["file"] for part in toc["parts"] for one in part["chapters"]}
    # A variant's run has its page below the list of the runs.
    assert (RUNS_CHAPTER if step.role == Role.VARIANT else step.chapter) in chapters


def test_every_notebook_is_a_step() -> None:
    """A notebook that no step executes would stand in the book without a single result."""
    assert {path.stem for path in (ROOT / "notebooks").glob("*.ipynb")} == {
        step.notebook for step in STEPS.values()
    }


@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)
def test_a_step_needs_only_what_comes_before_it(step: FlowStep) -> None:
    order = list(STEPS)
    assert all(order.index(need) < order.index(step.role) for need in step.needs)


@pytest.mark.parametrize("role", [Role.DATASET, *CHAIN])
def test_a_notebook_takes_the_runs_that_its_step_needs(role: str) -> None:
    """Papermill ignores a parameter that the notebook lacks: the newest run would be taken."""
    names = {Role.VARIANT: "runs", Role.DATASET: "dataset"}
    needed = {names.get(need, f"{need}_run") for need in STEPS[role].needs}
    assert parameters(STEPS[role]) == COMMON | needed


def test_the_training_notebook_takes_every_parameter_of_a_variant(smoke: Study) -> None:
    step = STEPS[Role.VARIANT]
    first = variant_steps(smoke, step.path, "data", "start")[0]
    assert parameters(step) == COMMON | set(first.parameters) | {"threads"}


def test_what_follows_the_training_is_one_chain_in_the_order_of_the_flow() -> None:
    assert [*STEPS][:2] == [Role.DATASET, Role.VARIANT]
    assert list(CHAIN) == [*STEPS][2:]
    assert {STEPS[role].command for role in CHAIN} == {"choose", "decide", "register", "canary"}
