"""Turns a book's source into HTML: jupyter-book's parts and its `_config.yml`, not its command.

`python -m promotion.report.book.site SOURCE BUILT` writes what Sphinx says to its output.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from jupyter_book.config import get_final_config
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace, patch_docutils

from promotion.report.book import references
from promotion.report.language import in_language

# Thebe runs code on a server, comments need one, and the others serve LaTeX and other books.
UNUSED = (
    "jupyter_book",
    "sphinx_comments",
    "sphinx_jupyterbook_latex",
    "sphinx_multitoc_numbering",
    "sphinx_thebe",
    "sphinx_togglebutton",
    "sphinx.ext.intersphinx",
)
OF_THE_UNUSED = ("comments_config", "use_jupyterbook_latex", "use_multitoc_numbering")
OURS = "promotion.report.book.surface"


def configuration(source: Path) -> dict[str, Any]:
    """What the source's `_config.yml` asks of Sphinx, as jupyter-book translates it."""
    found, _ = get_final_config(
        user_yaml=source / "_config.yml", cli_config={"latex_individualpages": False}
    )
    extensions = [name for name in found["extensions"] if name not in UNUSED]
    kept = {key: value for key, value in found.items() if key not in OF_THE_UNUSED}
    return {**kept, "extensions": [*extensions, OURS], "bibtex_default_style": references.use()}


def build(source: Path, built: Path, builder: str = "html") -> int:
    """Run one of Sphinx's builders on the source; return its exit status."""
    settings = configuration(source)
    with in_language(settings["language"]), patch_docutils(str(source)), docutils_namespace():
        app = Sphinx(
            source,
            None,
            built,
            built.with_name(f"{built.name}.doctrees"),
            builder,
            confoverrides=settings,
            status=None,
            warning=sys.stderr,
            freshenv=True,
        )
        app.build(force_all=True)
        return app.statuscode


if __name__ == "__main__":
    sys.exit(build(Path(sys.argv[1]), Path(sys.argv[2])))
