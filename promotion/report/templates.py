"""The report's templates: where they are, and how Jinja2 reads them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from promotion.paths import ROOT

TEMPLATES = ROOT / "book" / "templates"


def environment(folder: Path = TEMPLATES, **options: Any) -> Environment:
    """Jinja2 on a folder of templates: a missing fact is an error, a tag leaves no line.

    `options` are more of Jinja2's own.
    """
    return Environment(
        loader=FileSystemLoader(folder),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        **options,
    )
