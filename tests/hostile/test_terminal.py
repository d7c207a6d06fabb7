"""What the command line prints of others' words: no control character, no markup, one line."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from promotion import display
from promotion.cli import app
from promotion.display import plain, say
from promotion.outside import visible
from promotion.registry import approve, roll_back
from promotion.report.plots.drawing import new_plot
from tests.builders import connect_to, invoke, registered_in
from tests.hostile.stores import log_foreign
from tests.hostile.texts import TEXTS


def check_is_text(done: Result) -> str:
    """The output, in which nothing moves the cursor, changes a colour or hides."""
    assert done.exit_code in (0, 1), done.output
    assert "unexpected" not in done.output
    shown = re.sub(r"\n", "", done.output)
    assert visible(shown) == shown
    return shown


def only_letters(text: str) -> str:
    return "".join(c for c in visible(text) if c.isalnum())


@pytest.mark.slow
def test_an_audit_of_any_experiment_prints_text(empty_store: Path, tmp_path: Path) -> None:
    shutil.copy(empty_store, tmp_path)
    names = log_foreign(connect_to(tmp_path))
    for name, (key, text) in zip(names, TEXTS.items(), strict=True):
        shown = check_is_text(invoke("audit", "--experiment", name, home=tmp_path))
        assert only_letters(text[:40]) in only_letters(shown), key
    shown = check_is_text(invoke("audit", "--experiment", "none of these", home=tmp_path))
    assert "no experiment" in shown


@pytest.mark.parametrize("name", TEXTS)
def test_a_line_is_printed_as_it_is(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """rich would take `[/red]` for its own, and stop the command."""
    display.console.width = 10_000
    display.console.file = None  # type: ignore[assignment]
    say(f"a word: {plain(TEXTS[name])}")
    shown = capsys.readouterr().out.removesuffix("\n")
    # rich doubles a backslash at the end.
    assert shown.rstrip("\\") == f"a word: {visible(TEXTS[name])}".rstrip("\\")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["rich_closing", "ansi", "lines", "long", "bell_and_nul", "sql"])
def test_a_reason_is_kept_and_shown_as_text(name: str, registry_home: Path) -> None:
    model = registered_in(connect_to(registry_home))
    approve(model, TEXTS[name])
    roll_back(model, TEXTS[name])
    done = CliRunner(env={"COLUMNS": "200"}).invoke(app, ["status", "--home", str(registry_home)])
    assert done.exit_code == 0
    assert only_letters(name) in only_letters(check_is_text(done))


@pytest.mark.parametrize("name", TEXTS)
def test_a_document_under_review_is_text(name: str, tmp_path: Path) -> None:
    path = tmp_path / "decision.md"
    path.write_text(
        f"## Candidat promu\n\n{TEXTS[name]} a promu 0,5 {TEXTS[name]}\n", encoding="utf-8"
    )
    done = CliRunner().invoke(app, ["review", str(path), "--home", str(tmp_path)])
    check_is_text(done)


@pytest.mark.parametrize(
    "name", ["dollars", "math_link", "tex_input", "rich_backslash", "stacked", "many_lines"]
)
def test_a_plot_writes_a_name_as_it_is(name: str) -> None:
    """A lone dollar made matplotlib look for a formula, and raise."""
    figure, ((axes,),) = new_plot(3, 2)
    axes.set_title(visible(TEXTS[name])[:200])
    figure.canvas.draw()
    assert axes.title.get_text() == visible(TEXTS[name])[:200]
