"""Pictures of one split that another holds already: copied, mirrored, cut out, encoded anew."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from PIL import Image

from promotion.datasets.crops import Sketch, find_crops, sketch
from promotion.datasets.faults import Fault
from promotion.datasets.likeness import hashes_of, nearest, repeated
from promotion.datasets.yolo import split_of
from promotion.facts import Note

Value = TypeVar("Value")
# Above this share of a split, its measures are those of pictures that training has seen.
MOST_LEAKED = 0.01
# The notes that tell of pictures which two splits share.
LEAKS = ("nearly_same", "mirrored", "cropped")
# Of the pictures that a split holds twice, so many are named.
MOST_NAMED = 10


@dataclass
class Looks:
    """How pictures look, by their paths below the folder, and how their mirror images do."""

    hashes: dict[str, str] = field(default_factory=dict)
    mirrored: dict[str, str] = field(default_factory=dict)
    sketches: dict[str, Sketch] = field(default_factory=dict)
    mirrored_sketches: dict[str, Sketch] = field(default_factory=dict)

    def add(self, name: str, grey: Image.Image, sketched: bool, mirrored: bool) -> None:
        """Look at a picture; sketches, and those of mirror images, only where they are asked."""
        self.hashes[name], self.mirrored[name] = hashes_of(grey)
        if sketched:
            self.sketches[name] = sketch(grey)
        if mirrored:
            flipped = grey.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
            self.mirrored_sketches[name] = sketch(flipped)


def check_leaks(
    looks: Looks, splits: Sequence[str], sums: Mapping[str, str], read: Callable[[str], Image.Image]
) -> tuple[list[Fault], list[Note]]:
    """Pictures of a split that an earlier one holds in another form, and those held twice.

    More than 1 % of a split's pictures in an earlier one are an error, fewer are warnings. That
    two files are the same, byte for byte, in two splits is another check's affair. `sums` are the
    files' SHA-256; `read` gives a picture by its name.
    """
    faults: list[Fault] = []
    notes: list[Note] = []
    known: list[str] = []
    for split in splits:
        names = [name for name in looks.hashes if split_of(name) == split]
        same = {sums[name] for name in known}
        fresh = [name for name in names if sums[name] not in same]
        found = {note.facts["one"]: note for note in _leaked(looks, fresh, known, read)}
        if len(found) > MOST_LEAKED * len(names):
            faults.append(_blocked(split, list(found.values()), len(names)))
        else:
            notes += found.values()
        notes += _held_twice(names, looks.hashes, sums)
        known += names
    return faults, notes


def alike(identity: str, one: str, other: str, **facts: object) -> Note:
    """A note on two pictures that are alike."""
    places = {"one": one.removeprefix("images/"), "other": other.removeprefix("images/")}
    return Note(id=identity, facts={**places, **facts})


def _leaked(
    looks: Looks,
    fresh: Collection[str],
    known: Collection[str],
    read: Callable[[str], Image.Image],
) -> Iterator[Note]:
    """A note for each picture that is known in another form; the plainest form is told."""
    left = set(fresh)
    hashes = _part(looks.hashes, known)
    for identity, own in (("nearly_same", looks.hashes), ("mirrored", looks.mirrored)):
        for one, other, bits in list(nearest(_part(own, fresh, left), hashes)):
            left.discard(one)
            yield alike(identity, one, other, bits=bits)
    part = _part(looks.sketches, fresh, left)
    mirrored = _part(looks.mirrored_sketches, fresh, left)
    for one, other in find_crops(part, mirrored, _part(looks.sketches, known), read):
        yield alike("cropped", one, other)


def _part(
    values: Mapping[str, Value], names: Iterable[str], left: Collection[str] | None = None
) -> dict[str, Value]:
    wanted = (name for name in names if left is None or name in left)
    return {name: values[name] for name in wanted if name in values}


def _blocked(split: str, found: Sequence[Note], images: int) -> Fault:
    pairs = [f"{note.facts['one']} of {note.facts['other']}" for note in found]
    share = 100 * len(found) / images
    line = (
        f"split {split}: {len(found)} of {images} pictures ({share:.0f} %) are copies (resized, "
        f"encoded anew, mirrored or cut out) of pictures of an earlier split, such as {pairs[0]}; "
        "keep each in one split"
    )
    return Fault("leak", line)


def _held_twice(
    names: Sequence[str], hashes: Mapping[str, str], sums: Mapping[str, str]
) -> list[Note]:
    """The pictures that a split holds twice, under two names or in two forms."""
    files: dict[str, list[str]] = defaultdict(list)
    for name in names:
        files[sums[name]].append(name)
    notes = [
        alike("same_file", other, first) for first, *others in files.values() for other in others
    ]
    once = [first for first, *_ in files.values()]
    notes += [
        alike("nearly_twice", one, other, bits=bits)
        for one, other, bits in repeated(_part(hashes, once))
    ]
    more = len(notes) - MOST_NAMED
    if more > 0:
        notes[MOST_NAMED:] = [Note(id="more_twice", facts={"more": more})]
    return notes
