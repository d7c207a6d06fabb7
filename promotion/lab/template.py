"""The decision template: what a person fills before `promotion review` reads it."""

from __future__ import annotations

from pathlib import Path

from promotion.errors import DocumentError
from promotion.paths import ROOT


def write_template(place: Path, language: str) -> None:
    """Write the template in this language, `fr` or `en`.

    Raises:
        DocumentError: something is there already, or its folder is not.
    """
    template = ROOT / "book" / "templates" / f"decision_to_write.{language}.md"
    try:
        with place.open("x", encoding="utf-8") as written:
            written.write(template.read_text(encoding="utf-8"))
    except FileExistsError:
        raise DocumentError(f"{place} exists; name another file, nothing was written") from None
    except OSError as error:
        raise DocumentError(f"{place} cannot be written: {error.strerror}") from None
