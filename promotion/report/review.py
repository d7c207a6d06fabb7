"""Writes a review: each remark as a sentence, and the document annotated with them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from markdown_it.token import Token

from promotion.errors import DocumentError
from promotion.lab.review import Remark, Review
from promotion.lab.review.reading import parser
from promotion.outside import as_markdown
from promotion.report.templates import environment
from promotion.report.words import sentence, text

State = Literal["failed", "open", "held"]
_STATES: dict[bool | None, State] = {False: "failed", None: "open", True: "held"}
_BULLET = re.compile(r"\s*(?:[-*+]|\d{1,9}[.)])\s+|\s*")
_BLOCKS = ("paragraph_open", "heading_open", "table_open", "fence", "code_block")


@dataclass(frozen=True)
class Told:
    """A remark with its sentence, plain text."""

    remark: Remark
    message: str

    @property
    def state(self) -> State:
        """Whether it asks for work, could not be told, or holds."""
        return _STATES[self.remark.passed]

    @property
    def mark(self) -> str:
        """The state in words."""
        return text(f"review.state.{self.state}")


@dataclass(frozen=True)
class ToldReview:
    """A review with its sentences; `name` is the file's."""

    review: Review
    name: str

    @cached_property
    def told(self) -> list[Told]:
        """Every remark with its sentence, those that ask for work first in each line."""
        order = list(_STATES)
        remarks = sorted(self.review.remarks, key=lambda one: order.index(one.passed))
        return [Told(one, remark_sentence(one)) for one in remarks]

    @property
    def summary(self) -> str:
        """How many remarks there are of each state, and where the runs were looked up."""
        states = [one.state for one in self.told]
        facts = {str(state): states.count(state) for state in _STATES.values()}
        where = self.review.experiment
        looked = sentence("review.looked", {"experiment": where}) if where else text("review.blind")
        return f"{sentence('review.summary', facts)} {looked}"

    def at(self, first: int, last: int) -> list[Told]:
        """The remarks on these lines."""
        return [
            one
            for one in self.told
            if one.remark.line is not None and first <= one.remark.line <= last
        ]

    def ending_at(self, line: int) -> list[Told]:
        """The remarks whose block ends with this line."""
        return [
            one
            for one in self.told
            if one.remark.line is not None and max(one.remark.line, one.remark.end or 0) == line
        ]

    @property
    def of_the_whole(self) -> list[Told]:
        """The remarks that no line is the place of."""
        return [one for one in self.told if one.remark.line is None]


def tell(review: Review, name: str) -> ToldReview:
    """The review of a file of this name, in words."""
    return ToldReview(review, name)


def remark_sentence(remark: Remark) -> str:
    """What a review remarks, plain text."""
    return sentence(f"review.{remark.id}.{remark.said}", remark.facts)


def annotated_markdown(review: ToldReview) -> str:
    """The document with each remark quoted below the block that it is about."""
    written = [f"> {as_markdown(review.summary)}"]
    for one in review.of_the_whole:
        written += [">", f"> {_quoted(one)}"]
    written.append("")
    lines = review.review.document.source.splitlines()
    for number, line in enumerate(lines, 1):
        written.append(line)
        found = review.ending_at(number)
        for one in found:
            start = _BULLET.match(lines[(one.remark.line or number) - 1])
            indent = " " * len(start[0]) if start else ""
            written += ["", f"{indent}> {_quoted(one)}"]
        if found:
            written.append("")
    return "\n".join(written) + "\n"


def _quoted(one: Told) -> str:
    return f"**{one.mark}.** {as_markdown(one.message)}"


def annotated_html(review: ToldReview) -> str:
    """The document as a page of its own with the remarks in it; nothing in it is run or loaded."""
    jinja = environment(autoescape=True)
    remarks = jinja.get_template("remarks.html.j2")
    written: list[Token] = []
    pending: list[tuple[int, list[Told]]] = []
    for token in parser().parse(review.review.document.source):
        written.append(token)
        if token.type in _BLOCKS and token.map:
            pending.append((token.level, review.at(token.map[0] + 1, token.map[1])))
        if pending and token.level == pending[-1][0] and token.nesting <= 0:
            found = pending.pop()[1]
            if found:
                content = remarks.render(told=found)
                written.append(Token("html_block", "", 0, content=content))
    body = parser().renderer.render(written, parser().options, {})
    page = jinja.get_template("review.html.j2")
    whole = remarks.render(told=review.of_the_whole)
    title = sentence("review.title", {"name": review.name})
    return page.render(title=title, summary=review.summary, whole=whole, body=body)


_WRITERS = {".md": annotated_markdown, ".html": annotated_html}


def writer_of(output: Path, source: Path) -> Callable[[ToldReview], Path]:
    """What writes a review to this file, told by its ending.

    Raises:
        DocumentError: the ending is another, the folder is not there, or it is the source itself.
    """
    write = _WRITERS.get(output.suffix.lower())
    if write is None:
        raise DocumentError(f"{output}: a review is written as .md or .html")
    if not output.parent.is_dir():
        raise DocumentError(f"{output}: there is no folder {output.parent}; make it first")
    if output.resolve() == source.resolve():
        raise DocumentError(f"{output}: is the document itself; give the review another name")

    def written(review: ToldReview) -> Path:
        output.write_text(write(review), encoding="utf-8")
        return output

    return written
