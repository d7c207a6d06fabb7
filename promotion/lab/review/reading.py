"""Reads a decision document: Markdown in, what it says line by line out, each with its context."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.front_matter import front_matter_plugin

from promotion.errors import DocumentError
from promotion.facts import Fact
from promotion.lab.review.lexicon import is_next_steps, section_of

# A bullet before its first row hides a table from Markdown; the lab's own document has one.
_TABLE_IN_A_BULLET = re.compile(
    r"^(?P<bullet> {0,9}[-*+] {1,4})(?P<first>\|.*)(?P<rows>(?:\n *\|.*)+)", re.MULTILINE
)
DEEPEST = 6
MOST_BYTES = 1 << 16
# Of one block, no more letters are read: nobody writes longer sentences to be checked.
LONGEST = 3000


class Clause(Fact):
    """One thing said: a paragraph, a list item or a table's cell, in plain text.

    `line` is its first source line, counted from 1, `end` the last one of the block it stands in.
    `headings` and `labels` say under what it stands, the outermost first: headings; list items
    above it, or, of a cell, its column and its row.
    """

    text: str
    line: int
    end: int
    section: str | None
    headings: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    is_step: bool = False
    is_label: bool = False
    is_cell: bool = False


class Document(Fact):
    """A decision document, as it is read; `source` has as many lines as the file."""

    source: str
    clauses: list[Clause]
    sections: dict[str, int]

    def of(self, *sections: str | None) -> list[Clause]:
        """What is said in these sections, but for the steps that come next."""
        return [one for one in self.clauses if one.section in sections and not one.is_step]


@cache
def parser() -> MarkdownIt:
    """Markdown with tables, and without HTML: what looks like it is text."""
    return MarkdownIt("commonmark", {"html": False}).enable("table").use(front_matter_plugin)


def read_decision(path: Path) -> str:
    """The text of a decision document's file.

    Raises:
        DocumentError: there is no such file, it is no text in UTF-8, or too large to be one.
    """
    if not path.is_file():
        raise DocumentError(f"{path}: is no file; name the Markdown file to review")
    try:
        content = path.read_bytes()
    except OSError as error:
        reason = (error.strerror or "it fails").lower()
        raise DocumentError(f"{path}: cannot be read ({reason})") from None
    if len(content) > MOST_BYTES:
        raise DocumentError(f"{path}: {len(content)} bytes, a decision has at most {MOST_BYTES}")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise DocumentError(f"{path}: not a text in UTF-8; save it so and try again") from None


def read_document(content: str) -> Document:
    """Read a decision document; any text is one, if an empty one."""
    lines = content.replace("\0", "\N{REPLACEMENT CHARACTER}").replace("\r\n", "\n")
    source = _TABLE_IN_A_BULLET.sub(_indented, lines.replace("\r", "\n"))
    tokens = parser().parse(source)
    reader = _Reader(tokens)
    clauses = list(reader.clauses())
    return Document(source=source, clauses=clauses, sections=reader.sections)


def _indented(found: re.Match[str]) -> str:
    """A table whose rows all stand in the bullet of the first."""
    indent = "\n" + " " * len(found["bullet"])
    rows = [row.strip() for row in found["rows"].split("\n")[1:]]
    return found["bullet"] + found["first"] + "".join(indent + row for row in rows)


class _Reader:
    """Walks the blocks of a document and remembers under what it is."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self.tokens = tokens
        self.sections: dict[str, int] = {}
        self.section: str | None = None
        self.level = DEEPEST
        self.headings: list[tuple[int, str]] = []
        self.items: list[str] = []
        self.title = _title(tokens)

    def clauses(self) -> Iterator[Clause]:
        """What is said, in the order of the document."""
        index = 0
        while index < len(self.tokens):
            token = self.tokens[index]
            if token.type == "heading_open":
                self._enter(index, int(token.tag[1]))
            elif token.type == "list_item_open":
                self.items.append("")
            elif token.type == "list_item_close":
                self.items.pop()
            elif token.type == "table_open":
                end = _closing(self.tokens, index)
                yield from self._table(self.tokens[index:end])
                index = end
            elif token.type == "paragraph_open":
                yield from self._paragraph(self.tokens[index + 1])
            index += 1

    def _enter(self, index: int, level: int) -> None:
        token = self.tokens[index + 1]
        text = _plain(token)
        self.headings = [one for one in self.headings if one[0] < level] + [(level, text)]
        if index != self.title:
            self._open_section(text, level, _lines(token)[0])

    def _open_section(self, text: str, level: int, line: int) -> None:
        """A heading below a section's own belongs to it, whatever it says."""
        if self.section is not None and level > self.level:
            return
        self.section, self.level = section_of(text), level
        if self.section is not None:
            self.sections.setdefault(self.section, line)

    def _paragraph(self, token: Token) -> Iterator[Clause]:
        text, (line, end) = _plain(token), _lines(token)
        if _is_bold(token) and section_of(text) is not None and not self.items:
            self.section, self.level = None, DEEPEST
            self.headings = [(DEEPEST, text)]
            self._open_section(text, DEEPEST, line)
            return
        above = tuple(one for one in self.items[:-1] if one)
        is_label = bool(self.items) and text.rstrip().endswith(":")
        if self.items and not self.items[-1]:
            self.items[-1] = text
        yield self._clause(text, line, end, above, is_label)

    def _table(self, tokens: Sequence[Token]) -> Iterator[Clause]:
        """A clause a cell but the first of each row, which labels it."""
        end = tokens[0].map[1] if tokens[0].map else 0
        header: list[str] = []
        row: list[str] = []
        line = 0
        for index, token in enumerate(tokens):
            if token.type == "tr_open":
                row, line = [], token.map[0] + 1 if token.map else end
            elif token.type == "inline" and tokens[index - 1].type == "th_open":
                header.append(_plain(token))
            elif token.type == "inline" and tokens[index - 1].type == "td_open":
                row.append(_plain(token))
            elif token.type == "tr_close" and row:
                for column, cell in zip(header[1:], row[1:], strict=False):
                    yield self._clause(cell, line, end, (column, row[0]), is_cell=True)

    def _clause(
        self,
        text: str,
        line: int,
        end: int,
        labels: tuple[str, ...],
        is_label: bool = False,
        is_cell: bool = False,
    ) -> Clause:
        headings = tuple(one for _, one in self.headings)
        return Clause(
            text=text[:LONGEST],
            line=line,
            end=end,
            section=self.section,
            headings=headings,
            labels=labels,
            is_step=any(map(is_next_steps, (*headings, *labels, text.partition(":")[0]))),
            is_label=is_label,
            is_cell=is_cell,
        )


def _title(tokens: Sequence[Token]) -> int | None:
    """Where the document's own title is: *Décision de promotion* opens no section."""
    found = [index for index, token in enumerate(tokens) if token.type == "heading_open"]
    if len(found) < 2 or tokens[found[0]].tag != "h1":
        return None
    said = section_of(_plain(tokens[found[0] + 1]))
    return found[0] if said in (None, "decision") else None


def _closing(tokens: Sequence[Token], index: int) -> int:
    """Where the block that opens here closes."""
    level = tokens[index].level
    return next(
        at
        for at in range(index + 1, len(tokens))
        if tokens[at].level == level and tokens[at].nesting == -1
    )


def _plain(token: Token) -> str:
    """The text of a block, without its emphasis and links."""
    parts = [
        one.content if one.type in ("text", "code_inline") else " "
        for one in token.children or []
        if one.type in ("text", "code_inline", "softbreak", "hardbreak")
    ]
    return "".join(parts).strip()


def _is_bold(token: Token) -> bool:
    """Whether a paragraph is one bold text: the heading of who knows no other."""
    inside = [one for one in token.children or [] if one.type != "text" or one.content.strip()]
    kinds = [one.type for one in inside]
    return kinds[:1] == ["strong_open"] and kinds[-1] == "strong_close"


def _lines(token: Token) -> tuple[int, int]:
    """The first and the last source line of a block, counted from 1."""
    first, last = token.map or (0, 1)
    return first + 1, last
