"""Brings the catalogues of the prose up to date: `python -m promotion.report.book.extraction`.

What is new stands in a catalogue with an empty translation, for a person to fill; what nobody says
any more is gone.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po

from promotion.paths import ROOT
from promotion.report.book.prose import DOMAIN, catalogue_of, read_catalogue, words_of
from promotion.report.language import LANGUAGES, SOURCE

EXTRACT = "import sys; from pathlib import Path; from promotion.report.book.site import build; "
EXTRACT += "sys.exit(build(Path(sys.argv[1]), Path(sys.argv[2]), 'gettext'))"


def messages() -> Catalog:
    """Every message of the prose, in French.

    Raises:
        RuntimeError: Sphinx cannot read the chapters.
    """
    settings = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    contents = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    with TemporaryDirectory() as folder:
        found = _extracted(Path(folder), settings)
    for words in words_of(settings, contents):
        found.add(words, locations=[("_config.yml", 0), ("_toc.yml", 0)])
    return found


def _extracted(folder: Path, settings: dict[str, Any]) -> Catalog:
    """What Sphinx finds to translate in every chapter, and in the notebooks of runs."""
    source, built = folder / "source", folder / "built"
    for name in ("book", "notebooks"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("templates"))
    shutil.copy(ROOT / "_toc.yml", source)
    # The notebook of a training is no chapter, but every run's page is one.
    settings["only_build_toc_files"] = False
    (source / "_config.yml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    command = [sys.executable, "-c", EXTRACT, str(source), str(built)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr)
    found = Catalog(project="promotion", charset="utf-8", fuzzy=False)
    with (built / f"{DOMAIN}.pot").open("rb") as file:
        for message in read_po(file):
            if message.id:
                files = {place.rpartition("source/")[2] for place, _ in message.locations}
                found.add(message.id, locations=[(file, 0) for file in sorted(files)])
    return found


def flaws(language: str) -> Iterator[str]:
    """What a catalogue lacks, holds beside need, or holds unsure, a message at a time."""
    wanted, held = messages(), read_catalogue(language)
    for message in wanted:
        translation = held.get(message.id)
        if message.id and (translation is None or not translation.string):
            yield f"not translated: {message.id}"
        elif message.id and translation and translation.fuzzy:
            yield f"not sure: {message.id}"
    for message in held:
        if message.id and message.id not in wanted:
            yield f"nobody says: {message.id}"


def update(language: str) -> None:
    """Add what is new to a catalogue and drop what is no longer said; translations stay."""
    held = read_catalogue(language)
    held.update(messages(), no_fuzzy_matching=True, update_creation_date=False)
    with catalogue_of(language).open("wb") as file:
        write_po(file, held, width=0, ignore_obsolete=True, include_lineno=False)


def main() -> None:
    """Update every catalogue and say what is left to translate."""
    for language in LANGUAGES:
        if language != SOURCE:
            update(language)
            for flaw in flaws(language):
                print(f"{language}: {flaw}")


if __name__ == "__main__":
    main()
