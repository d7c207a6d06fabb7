"""Integrity checks: what would make a comparison on this dataset wrong or weak."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from promotion.datasets.faults import Fault, told
from promotion.datasets.labels import check_label
from promotion.datasets.layout import check_layout
from promotion.datasets.leaks import MOST_LEAKED, Looks, alike, check_leaks
from promotion.datasets.likeness import nearest
from promotion.datasets.manifest import Manifest
from promotion.datasets.yolo import images_of, labels_of, read_grey, read_labels, split_of
from promotion.errors import DatasetError
from promotion.facts import Note


@dataclass(frozen=True)
class Checked:
    """What the checks found: errors, a line each; warnings; and how each readable image looks.

    `hashes` and `mirrored` are the perceptual hashes of the images and of their mirror images, by
    the images' paths below the folder.
    """

    errors: list[str]
    findings: list[Note]
    hashes: dict[str, str]
    mirrored: dict[str, str]


def check_integrity(folder: Path, splits: Sequence[str], sums: Mapping[str, str]) -> Checked:
    """Check every image and label of a dataset folder; `sums` are its files' SHA-256.

    Errors: an empty split, a split without any person, an image that is unreadable, too large or
    too small, files that are no pictures, a label that is out of range or there twice, one image
    in two splits, and more than 1 % of a split in an earlier split in another form. Warnings: less
    than that, and images that a split holds twice.
    """
    faults: list[Fault] = []
    looks = Looks()
    for place, split in enumerate(splits):
        faults += check_layout(folder, split)
        faults += _check_images(folder, split, looks, alone=len(splits) == 1, first=place == 0)
    faults += _same_image_in_two_splits(sums)
    leaks, findings = check_leaks(looks, splits, sums, lambda name: read_grey(folder / name))
    return Checked(told([*faults, *leaks]), findings, looks.hashes, looks.mirrored)


def check_unseen(new: Manifest, seen: Manifest) -> tuple[list[str], list[Note]]:
    """Whether pictures are new to a model.

    Errors for pictures that are those of `seen`, or nearly so for more than 1 % of them; warnings
    for fewer that are near.
    """
    known = {digest: name for name, digest in seen.files.items() if name.startswith("images/")}
    faults = [
        Fault("seen", f"{name} was seen before, as {known[digest]}; remove it")
        for name, digest in new.files.items()
        if digest in known
    ]
    near = _nearly_seen(new, seen, known)
    total = sum(new.images.values())
    if len(near) > MOST_LEAKED * total:
        first = next(iter(near.values())).facts
        line = (
            f"{len(near)} of {total} pictures were seen before in another form, such as "
            f"{first['one']}, which resembles {first['other']}; remove them"
        )
        return [*told(faults), line], []
    return told(faults), list(near.values())


def pictures_seen(new: Manifest, seen: Manifest) -> int:
    """How many pictures of `new` are those of `seen`, or resemble one of them."""
    known = {digest: name for name, digest in seen.files.items() if name.startswith("images/")}
    same = [name for name, digest in new.files.items() if digest in known]
    return len(same) + len(_nearly_seen(new, seen, known))


def _nearly_seen(new: Manifest, seen: Manifest, known: Mapping[str, str]) -> dict[str, Note]:
    """Notes on pictures, or mirror images of pictures, that resemble one seen before."""
    notes: dict[str, Note] = {}
    for hashes in (new.hashes, new.mirrored):
        fresh = {
            name: found
            for name, found in hashes.items()
            if new.files[name] not in known and name not in notes
        }
        for one, other, bits in nearest(fresh, seen.hashes):
            notes[one] = alike("nearly_seen", one, other, bits=bits)
    return notes


def _check_images(
    folder: Path, split: str, looks: Looks, alone: bool, first: bool
) -> Iterator[Fault]:
    """The faults of a split's images and labels; `looks` learns how its images look.

    Only between splits are pictures compared that were cut out: not where one stands `alone`, and
    mirrored from all but the `first`.
    """
    images = images_of(folder, split)
    if not images:
        yield Fault("empty", f"split {split} is empty: put images in images/{split}")
        return
    for path in images:
        yield from check_label(folder, path)
        name = path.relative_to(folder).as_posix()
        try:
            looks.add(name, read_grey(path), sketched=not alone, mirrored=not first)
        except DatasetError as error:
            yield Fault("image", f"{name}: {error}")
    if not any(_persons(path) for path in images):
        yield Fault("nobody", f"split {split} has no labelled person; label some")


def _persons(image: Path) -> int:
    try:
        return len(read_labels(labels_of(image)))
    except (ValueError, OSError):
        return 0


def _same_image_in_two_splits(sums: Mapping[str, str]) -> Iterator[Fault]:
    places = defaultdict(list)
    for name, digest in sums.items():
        if name.startswith("images/"):
            places[digest].append(name)
    for names in places.values():
        if len({split_of(name) for name in names}) > 1:
            line = f"the same image in two splits: {', '.join(names)}; keep one"
            yield Fault("same", line)
