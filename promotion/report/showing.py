"""What a notebook's cell shows: the same result in every language, of which a book picks one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any, ParamSpec, TypeAlias

from IPython.core.formatters import DisplayFormatter
from nbformat import NotebookNode

from promotion.report.figures import Plot, as_html, described
from promotion.report.language import LANGUAGES, SOURCE, in_language
from promotion.report.photographs import Pictures

# Beside the French result stand the others, by their language; no program but ours reads them.
OTHERS = "application/vnd.promotion.languages+json"

Bundle: TypeAlias = Mapping[str, Any]
P = ParamSpec("P")


@dataclass(frozen=True)
class Shown:
    """A result as Jupyter shows it, MIME type by MIME type, in every language."""

    bundles: Mapping[str, Bundle]

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        others = {name: bundle for name, bundle in self.bundles.items() if name != SOURCE}
        return {**self.bundles[SOURCE], OTHERS: others}


def show(told: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> Shown:
    """Show what `told` makes of its arguments: a table, a plot or a sentence, once a language."""
    bundles = {}
    for language in LANGUAGES:
        with in_language(language):
            bundles[language] = _bundle(told(*args, **kwargs))
    return Shown(bundles)


def _bundle(result: object) -> Bundle:
    if isinstance(result, str):
        return {"text/plain": result, "text/html": f'<p class="told">{escape(result)}</p>'}
    if isinstance(result, Plot | Pictures):
        return {"text/plain": described(result), "text/html": as_html(result)}
    data, _ = DisplayFormatter().format(result)  # type: ignore[no-untyped-call]
    return dict(data)


def pick(notebook: NotebookNode, language: str) -> None:
    """Leave an executed notebook's results in one language; what is in no other stays as it is."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            others = output.get("data", {}).pop(OTHERS, {})
            if language in others:
                output["data"] = others[language]
