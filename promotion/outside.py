"""Text from outside: a user's words, a file's name, another's experiment, as they may be shown."""

from __future__ import annotations

import re
import unicodedata

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
# What Markdown would take for a code, an emphasis, a tag, a link, an entity or a substitution.
_MARKDOWN = re.compile(
    r"[\\`*<$]|~(?=~)|\](?=[(\[])|\{(?=\{)|&(?=#?\w+;)|(?<![^\W_])_|_(?![^\W_])|^(?=[#:+-])"
)


def visible(text: object) -> str:
    """The text on one line, in which nothing acts: no control and no direction character."""
    one_line = re.sub(r"[\t\n\v\f\r]+", " ", str(text))
    return "".join(c if c.isprintable() or _is_space(c) else REPLACEMENT for c in one_line)


def as_markdown(text: object) -> str:
    """The text on one line, as Markdown that shows it as it is; method: CommonMark 0.31, 2.4."""
    return _MARKDOWN.sub(lambda found: f"\\{found[0]}", visible(text))


def fenced(text: str) -> str:
    """Lines of text as a Markdown code block that nothing in them can close."""
    lines = "\n".join(map(visible, text.splitlines()))
    runs = re.findall("`+", lines)
    fence = "`" * max(3, 1 + max(map(len, runs), default=0))
    return f"{fence}text\n{lines}\n{fence}"


def _is_space(character: str) -> bool:
    """Whether it is a space of typography, such as French puts before a colon."""
    return unicodedata.category(character) == "Zs"
