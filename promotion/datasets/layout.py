"""What lies in a dataset's folders of pictures but is not read as one, or not alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from promotion.datasets.faults import Fault
from promotion.datasets.yolo import images_of, is_image

# Files that a system leaves in every folder it shows.
OF_THE_SYSTEM = ("Thumbs.db", "desktop.ini")


def check_layout(folder: Path, split: str) -> Iterator[Fault]:
    """Folders, files that are no picture, and pictures that share one label file."""
    place = folder / "images" / split
    if not place.is_dir():
        return
    for entry in sorted(place.iterdir()):
        name = entry.relative_to(folder).as_posix()
        if is_image(entry) or entry.name.startswith(".") or entry.name in OF_THE_SYSTEM:
            continue
        if entry.is_dir():
            mend = f"is a folder, whose pictures are not read; move them to images/{split}"
            yield Fault("folder", f"{name} {mend}")
        else:
            mend = "is no .jpg, .jpeg, .png or .webp file; convert or remove it"
            yield Fault("suffix", f"{name} {mend}")
    yield from _one_label_file_each(folder, split)


def _one_label_file_each(folder: Path, split: str) -> Iterator[Fault]:
    stems: dict[str, list[str]] = defaultdict(list)
    for image in images_of(folder, split):
        stems[image.stem].append(image.name)
    for stem, names in stems.items():
        if len(names) > 1:
            shared = f"share labels/{split}/{stem}.txt; rename all but one"
            yield Fault("stem", f"images/{split}: {' and '.join(names)} {shared}")
