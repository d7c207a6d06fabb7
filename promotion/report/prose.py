"""The chapters' prose in the language spoken, by gettext catalogues that Sphinx reads as well.

French stands in `book/*.md`, in the notebooks' Markdown, and in the words of `_config.yml` and
`_toc.yml`; `book/locale/` holds a catalogue a language.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from promotion.paths import ROOT
from promotion.report.language import Catalogues

# A heading that other pages lead to by its label.
HEADING = re.compile(r"^\((.+)\)=\n##? (.+)$", re.MULTILINE)
PROSE = Catalogues(ROOT / "book" / "locale", "prose")
# The settings of `_config.yml` that a reader sees, by their place in it.
SETTINGS = (
    ("title",),
    ("author",),
    ("sphinx", "config", "nb_code_prompt_show"),
    ("sphinx", "config", "nb_code_prompt_hide"),
)


def translated(french: str) -> str:
    """A message in the language spoken; one that the catalogue lacks stays French."""
    return PROSE.spoken().gettext(french)


@cache
def _headings(page: str) -> dict[str, str]:
    """The French headings of a chapter by their labels."""
    return dict(HEADING.findall((ROOT / "book" / f"{page}.md").read_text(encoding="utf-8")))


def check_title(identity: str) -> str:
    """What a check of the audit is called where it is explained; its id if that is nowhere."""
    heading = _headings("audit").get(identity)
    return translated(heading) if heading else identity


def translate_settings(settings: dict[str, Any]) -> None:
    """Put the words of `_config.yml` into the language spoken."""
    for section, key in _worded(settings):
        section[key] = translated(section[key])


def translate_contents(contents: dict[str, Any]) -> None:
    """Put the words of `_toc.yml` into the language spoken."""
    for part in contents["parts"]:
        part["caption"] = translated(part["caption"])


def words_of(settings: dict[str, Any], contents: dict[str, Any]) -> list[str]:
    """The words of `_config.yml` and of `_toc.yml`."""
    captions = [part["caption"] for part in contents["parts"]]
    return [section[key] for section, key in _worded(settings)] + captions


def _worded(settings: dict[str, Any]) -> list[tuple[dict[str, Any], str]]:
    """The settings that a reader sees: the section that each stands in, and its key."""
    found = []
    for *path, key in SETTINGS:
        section = settings
        for name in path:
            section = section[name]
        found.append((section, key))
    return found
