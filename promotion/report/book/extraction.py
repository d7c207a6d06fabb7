"""Brings the catalogues of the prose up to date: `python -m promotion.report.book.extraction`."""

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
from babel.messages.pofile import read_po

from promotion.paths import ROOT
from promotion.report.prose import PROSE, words_of
from promotion.report.upkeep import bring_up_to_date, flaws_of

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
    for name in ("book", "notebooks", "exercises"):
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
    with (built / f"{PROSE.domain}.pot").open("rb") as file:
        for message in read_po(file):
            if message.id:
                files = {place.rpartition("source/")[2] for place, _ in message.locations}
                found.add(message.id, locations=[(file, 0) for file in sorted(files)])
    return found


def flaws(language: str) -> Iterator[str]:
    """What a language's catalogue lacks, holds beside need, or holds unsure."""
    return flaws_of(PROSE.read(language), messages())


if __name__ == "__main__":
    bring_up_to_date(PROSE, messages())
