"""Starting weights: found by name, verified before anything opens them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from zipfile import is_zipfile

from promotion.checksums import sha256_of, verify
from promotion.datasets.downloads import fetch
from promotion.errors import ChecksumError, PromotionError
from promotion.paths import ROOT
from promotion.study.schema import Model

WEIGHTS_FOLDER = ROOT / "weights"
SUMS_FILE = WEIGHTS_FOLDER / "SHA256SUMS"
PUBLISHED = {
    "yolov8n.pt": (
        "https://github.com/ultralytics/assets/releases/download/v8.3.0/yolov8n.pt",
        "f59b3d833e2ff32e194b5bb8e08d211dc7c5bdf144b90d2c8412c47ccfc83b36",
    )
}
PERSON = "person"
MOST_CLASSES = 5


def shipped_sums() -> dict[str, str]:
    """The SHA-256 of each file shipped in weights/, by its name."""
    lines = SUMS_FILE.read_text(encoding="utf-8").splitlines()
    return {name: digest for digest, name in (line.split() for line in lines)}


@dataclass(frozen=True)
class StartingPoint:
    """The checkpoint that training starts from; `expected` if its SHA-256 was asked for."""

    path: Path
    sha256: str
    expected: bool


def starting_weights(model: Model, home: Path) -> Path:
    """The verified checkpoint that training starts from; see `starting_point`."""
    return _verified(model, home)[0]


def starting_point(model: Model, home: Path) -> StartingPoint:
    """The verified checkpoint that training starts from, hashed once.

    `model.weights` names a published checkpoint (downloaded once, or taken from PROMOTION_DATA),
    a file shipped in weights/, or any file of the user's own.

    Raises:
        PromotionError: there is no such file, or it is no checkpoint.
        ChecksumError: the file is not the one that was meant.
        DownloadError: a published checkpoint is out of reach.
    """
    path, sha256 = _verified(model, home)
    return StartingPoint(path, sha256 or sha256_of(path), expected=sha256 is not None)


def _verified(model: Model, home: Path) -> tuple[Path, str | None]:
    """The checkpoint, and the SHA-256 that it was verified to have, if any was expected."""
    if model.weights in PUBLISHED:
        url, _ = PUBLISHED[model.weights]
        expected = expected_sum(model)
        return fetch(url, home / "weights", expected), expected
    path = Path(model.weights)
    if not path.is_absolute():
        path = ROOT / path
    if not path.is_file():
        known = ", ".join([*PUBLISHED, *(f"weights/{name}" for name in shipped_sums())])
        raise PromotionError(
            f"model.weights: {model.weights} is not a file; name your own checkpoint, or one of "
            f"{known}"
        )
    # What torch.save writes is a zip archive.
    if path.suffix != ".pt" or not is_zipfile(path):
        raise PromotionError(
            f"model.weights: {model.weights} is not a PyTorch checkpoint; name a .pt file that "
            "Ultralytics saved"
        )
    expected = expected_sum(model)
    if path.name in PUBLISHED and model.sha256 is None:
        return _as_published(path), expected
    return (verify(path, expected) if expected else path), expected


def expected_sum(model: Model) -> str | None:
    """The SHA-256 that the starting checkpoint must have; None for a user's own without one."""
    name = Path(model.weights).name
    if model.sha256:
        return model.sha256
    if name in PUBLISHED:
        return PUBLISHED[name][1]
    if (ROOT / model.weights).parent == WEIGHTS_FOLDER:
        return shipped_sums().get(name)
    return None


def person_class(names: Mapping[int, str]) -> int:
    """The index of the class that stands for a person: the one of that name, or the only one.

    Raises:
        PromotionError: none of several classes is named person.
    """
    if len(names) == 1:
        return next(iter(names))
    for index, name in names.items():
        if name.strip().lower() == PERSON:
            return index
    shown = ", ".join(list(names.values())[:MOST_CLASSES])
    more = ", …" if len(names) > MOST_CLASSES else ""
    raise PromotionError(
        f"model.weights: none of the starting checkpoint's {len(names)} classes is named {PERSON} "
        f"({shown}{more}); name a checkpoint with a class {PERSON}, or with one class only"
    )


def _as_published(path: Path) -> Path:
    """A file named like a published checkpoint, if it is that checkpoint.

    Raises:
        ChecksumError: it is another file.
    """
    found, expected = sha256_of(path), PUBLISHED[path.name][1]
    if found != expected:
        raise ChecksumError(
            f"model.weights: {path} has the name of the published {path.name} but is another file "
            f"(SHA-256 {found[:12]}…, not {expected[:12]}…); get that one, or rename yours"
        )
    return path
