"""What is wrong with a dataset: a line each, but a fault that many files share is told once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

# So many faults of one kind are told one by one.
TOLD_EACH = 3


class Fault(NamedTuple):
    """A line for the user, and the kind of fault that it is one of."""

    kind: str
    line: str


def told(faults: Iterable[Fault]) -> list[str]:
    """The lines of all faults; of a kind that is frequent the first line, with a count."""
    kinds: dict[str, list[str]] = defaultdict(list)
    for fault in faults:
        kinds[fault.kind].append(fault.line)
    lines = []
    for same in kinds.values():
        if len(same) <= TOLD_EACH:
            lines += same
        else:
            lines.append(f"{same[0]} (and {len(same) - 1} more like this)")
    return lines
