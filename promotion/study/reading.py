"""Reads YAML that may be anything: bounded in size, in depth and in aliases, no key twice."""

from __future__ import annotations

import itertools
import unicodedata
from pathlib import Path
from typing import Any

import yaml

from promotion.errors import StudyError

# A study of this repository has about 2,000 characters, 100 values and 4 levels.
MOST_BYTES = 64 * 1024
MOST_VALUES = 5_000
MOST_LEVELS = 12
# Control, formatting and surrogate characters, line and paragraph separators.
INVISIBLE = ("Cc", "Cf", "Cs", "Zl", "Zp")
# What YAML's own tags raise on values that are not theirs.
_OF_TAGS = (ValueError, LookupError, AttributeError, TypeError, OverflowError)


def read_text(path: Path) -> str:
    """The text of a study file.

    Raises:
        OSError: it cannot be read.
        StudyError: it is too large, or no UTF-8 text.
    """
    with path.open("rb") as file:
        content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise StudyError(f"{path}: more than {MOST_BYTES // 1024} KiB; a study has a few lines")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise StudyError(f"{path}: not UTF-8 text at line {line}; save it as UTF-8") from None


def parse(text: str) -> Any:
    """The content of a YAML text.

    Raises:
        StudyError: it is not YAML, or exceeds the bounds; the message names the line.
    """
    try:
        return yaml.load(text, Loader=_BoundedLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}" if mark else ""
        reason = getattr(error, "problem", None) or getattr(error, "reason", None) or "unreadable"
        raise StudyError(f"not YAML{where}: {visible(str(reason))}") from None
    except _OF_TAGS as error:
        raise StudyError(f"not YAML: a value that its tag cannot hold ({shown(error)})") from None


def visible(text: str, most: int = 80) -> str:
    """A text that stands on one line of a terminal: nothing invisible, and cut where it is long."""
    clean = "".join("?" if _is_invisible(one) else one for one in text[: most + 1])
    return f"{clean[:most]}…" if len(clean) > most else clean


def shown(value: object) -> str:
    """A value as an error message shows it; of a list or mapping only what it is."""
    if isinstance(value, dict | list):
        return f"a {'mapping' if isinstance(value, dict) else 'list'} of {len(value)}"
    return visible(str(value) if isinstance(value, Exception) else repr(value))


def _is_invisible(character: str) -> bool:
    return unicodedata.category(character) in INVISIBLE


class _BoundedLoader(yaml.SafeLoader):
    """PyYAML's safe loader, which refuses what a study has no use for."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._level = 0
        # How many values each node stands for once its aliases are written out.
        self._values: dict[int, int] = {}

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        self._level += 1
        if self._level > MOST_LEVELS:
            raise _refused(f"nested more than {MOST_LEVELS} levels deep", event)
        node = super().compose_node(parent, index)
        self._level -= 1
        if isinstance(event, yaml.AliasEvent):
            if id(node) not in self._values:
                raise _refused("an alias inside its own anchor", event)
        elif node is not None:
            self._values[id(node)] = self._count(node)
        return node

    def _count(self, node: yaml.Node) -> int:
        """The values below a node; a bomb of aliases is refused before it is written out."""
        if isinstance(node, yaml.ScalarNode):
            if any(_is_invisible(one) for one in node.value):
                raise _refused("a control character, or a value of several lines", node)
            return 1
        mapping = isinstance(node, yaml.MappingNode)
        parts = list(itertools.chain(*node.value)) if mapping else node.value
        values = 1 + sum(self._values[id(part)] for part in parts)
        if values > MOST_VALUES:
            raise _refused(f"more than {MOST_VALUES} values, aliases written out", node)
        return values

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            name = (key.tag, key.value) if isinstance(key, yaml.ScalarNode) else None
            if name in seen:
                raise _refused(f"the key {visible(key.value)} is there twice; keep one", key)
            if name is not None:
                seen.add(name)
        return super().construct_mapping(node, deep=deep)


def _refused(problem: str, place: Any) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=place.start_mark)
