"""SHA-256 sums: of files, of code, and of the facts that make a result what it is."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from promotion.errors import ChecksumError


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def verify(path: Path, expected: str) -> Path:
    """Return `path` if its SHA-256 is the expected one.

    Raises:
        ChecksumError: it is another file than the one that was meant.
    """
    found = sha256_of(path)
    if found != expected:
        raise ChecksumError(
            f"{path}: SHA-256 is {found[:12]}…, expected {expected[:12]}…: "
            "the file is damaged or another one; get it anew"
        )
    return path


def digest_of(facts: Mapping[str, object]) -> str:
    """The SHA-256 of facts that JSON can write; the order of the keys does not count."""
    text = json.dumps(facts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def code_digest(files: Iterable[Path], root: Path) -> str:
    """The SHA-256 of source files and their places below `root`.

    Line ends are normalised, so that a checkout on Windows gives the same digest.
    """
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.relative_to(root).as_posix().encode() + b"\0")
        digest.update(file.read_bytes().replace(b"\r\n", b"\n"))
    return digest.hexdigest()
