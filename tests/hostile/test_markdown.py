"""Text from outside as Markdown: the pages' own parser finds words in it, and no more."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it.token import Token
from myst_parser.config.main import MdParserConfig
from myst_parser.mdit_to_docutils.base import DocutilsRenderer
from myst_parser.parsers.mdit import create_md_parser

from promotion.outside import as_markdown, fenced, visible
from tests.hostile.texts import TEXTS

# More than the book enables: what is added one day must not undo this.
PARSER = create_md_parser(
    MdParserConfig(
        enable_extensions={
            "amsmath", "attrs_inline", "colon_fence", "deflist", "dollarmath", "fieldlist",
            "html_image", "strikethrough", "substitution", "tasklist",
        }
    ),
    DocutilsRenderer,
)  # fmt: skip
SIGNS = st.text(alphabet="\\`*_{}[]()<>#+-.!|$~&;:%=\"'/ \n\tab1é\x1b\u202e", max_size=40)


def words(tokens: list[Token]) -> str:
    """The text of a paragraph in which there is nothing but text."""
    inline = next(token for token in tokens if token.type == "inline")
    assert {token.type for token in inline.children or []} <= {"text", "text_special"}
    return "".join(token.content for token in inline.children or [])


def shown_in_a_list(text: str) -> str:
    tokens = PARSER.parse(f"- a word: {as_markdown(text)} and another\n")
    assert [token.type for token in tokens if token.level == 2] == [
        "paragraph_open",
        "paragraph_close",
    ]
    return words(tokens).removeprefix("a word: ").removesuffix(" and another")


def same(one: str, other: str) -> bool:
    """Whether they are the same but for spaces, of which Markdown keeps one."""
    return "".join(one.split()) == "".join(other.split())


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_a_text_that_acts_is_words(text: str) -> None:
    assert same(shown_in_a_list(text), visible(text))


@given(SIGNS)
def test_any_text_is_words(text: str) -> None:
    assert same(shown_in_a_list(text), visible(text))


@given(SIGNS)
def test_any_text_alone_is_one_heading(text: str) -> None:
    heading, *rest = PARSER.parse(f"# {as_markdown(text)}\n")
    assert heading.type == "heading_open"
    assert [token.type for token in rest] == ["inline", "heading_close"]


@given(st.one_of(SIGNS, st.text(alphabet="`~:\n{raw} ", max_size=40)))
def test_nothing_closes_a_block_of_code(text: str) -> None:
    (block,) = PARSER.parse(fenced(text))
    assert block.type == "fence"
    assert block.content == "\n".join(map(visible, text.splitlines())) + "\n"


@given(st.text())
def test_what_is_shown_stands_on_one_line_and_is_shown_again_as_it_is(text: str) -> None:
    shown = visible(text)
    assert len(shown.splitlines()) <= 1
    assert visible(shown) == shown
