"""Makes a study's dataset ready once a machine, and finds it again afterwards."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml
from pydantic import ValidationError

from promotion.checksums import digest_of
from promotion.datasets.groups import find_groups
from promotion.datasets.integrity import check_integrity
from promotion.datasets.manifest import Manifest, count_split, file_sums, slices_sum
from promotion.datasets.sources import source, source_digest
from promotion.errors import DatasetError
from promotion.locks import alone
from promotion.paths import ROOT
from promotion.study.schema import CanaryDataset, Dataset
from promotion.whole import write_whole

# A download, or a first look at a large folder, takes minutes; whoever takes longer hangs.
PATIENCE_S = 600.0


@dataclass(frozen=True)
class PreparedDataset:
    """A dataset on this machine: its pictures, its manifest, and the data.yaml for training."""

    folder: Path
    data_yaml: Path
    manifest: Manifest


def prepare(dataset: Dataset | CanaryDataset, home: Path) -> PreparedDataset:
    """Make (or find) a study's dataset below `home/datasets`, checked and ready for training.

    Safe to call from several processes: one makes it, the others wait and find it.

    Raises:
        DatasetError: an integrity check found an error; one line an error.
        DownloadError: the photographs are out of reach.
        LockedError: another process holds the dataset for longer than making it takes.
    """
    root = home / "datasets"
    root.mkdir(parents=True, exist_ok=True)
    code = source_digest(dataset.source)
    key = digest_of({"dataset": dataset.model_dump(mode="json"), "code": code})[:12]
    state = root / f"{dataset.source}-{key}"
    with alone(Path(f"{state}.lock"), PATIENCE_S):
        # As for weights, a relative path starts from the project's root.
        folder = ROOT / dataset.path if dataset.path else state
        if dataset.path is None and not (state / "data.yaml").exists():
            _make(dataset, state, root)
        state.mkdir(exist_ok=True)
        manifest = _inspect(dataset, folder, state / "manifest.json")
        trained = folder
        if dataset.path is not None:
            trained = state / "links"
            names = {name: name for name in manifest.files}
            link_files(folder, names, manifest.images, trained, manifest.digest)
        data_yaml = write_absolute_data_yaml(trained, dataset.sizes, state / "training.yaml")
    return PreparedDataset(folder, data_yaml, manifest)


def _make(dataset: Dataset | CanaryDataset, state: Path, root: Path) -> None:
    """Write the dataset beside its place and move it there when it is whole."""
    unfinished = state.with_suffix(".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir()
    source(dataset.source).write(unfinished, dataset, root)
    shutil.rmtree(state, ignore_errors=True)
    unfinished.rename(state)


def _inspect(dataset: Dataset | CanaryDataset, folder: Path, path: Path) -> Manifest:
    """The stored manifest if the files are still the same, else a new one, checked."""
    if not folder.is_dir():
        raise DatasetError(f"dataset.path: {folder} is not a folder")
    sums = file_sums(folder, dataset.sizes)
    if dataset.path is not None:
        sums |= slices_sum(folder)
    if path.exists():
        stored = _stored(path)
        if stored.files == sums:
            return stored
        if dataset.path is None:
            changed = sorted({name for name, _ in stored.files.items() ^ sums.items()})
            raise DatasetError(
                f"{folder}: {len(changed)} files changed since they were made, such as "
                f"{changed[0]}; delete the folder and run again"
            )
    checked = check_integrity(folder, list(dataset.sizes), sums)
    if checked.errors:
        raise DatasetError("\n".join(f"{folder}: {error}" for error in checked.errors))
    counts = {split: count_split(folder, split) for split in dataset.sizes}
    manifest = Manifest(
        source=dataset.source,
        files=sums,
        images={split: images for split, (images, _) in counts.items()},
        instances={split: instances for split, (_, instances) in counts.items()},
        hashes=checked.hashes,
        mirrored=checked.mirrored,
        groups=find_groups(dataset, folder, checked.hashes),
        findings=checked.findings,
    )
    write_whole(path, manifest.model_dump_json(indent=1))
    return manifest


def _stored(path: Path) -> Manifest:
    try:
        return Manifest.model_validate_json(path.read_bytes())
    except ValidationError:
        raise DatasetError(f"{path} is damaged; delete {path.parent} and run again") from None


def link_files(
    folder: Path, names: Mapping[str, str], splits: Iterable[str], place: Path, digest: str
) -> None:
    """Make `place` a folder of links to a dataset's files, anew unless it is of this digest.

    `names` gives each link, by its path there, its file's below the folder. Training leaves caches
    beside the labels, and may mend a picture where it lies: not in what is the user's own.
    """
    mark = place / "digest"
    if mark.exists() and mark.read_text(encoding="utf-8") == digest:
        return
    shutil.rmtree(place, ignore_errors=True)
    for name, of in names.items():
        target = place / name
        target.parent.mkdir(parents=True, exist_ok=True)
        _link(folder / of, target)
    for split in splits:
        (place / "labels" / split).mkdir(parents=True, exist_ok=True)
    mark.write_text(digest, encoding="utf-8")


def _link(source: Path, target: Path) -> None:
    """A link, or a copy where the system lets a user make none.

    Within a made dataset it is relative, so that the home may move.
    """
    source, place = source.resolve(), target.parent.resolve()
    if place.parents[2] in source.parents:
        source = Path(os.path.relpath(source, place))
    try:
        target.symlink_to(source)
    except OSError:
        shutil.copy(place / source, target)


def write_absolute_data_yaml(folder: Path, splits: Iterable[str], path: Path) -> Path:
    """Ultralytics looks relative paths up in its own settings; an absolute one needs none."""
    content = {
        "path": str(folder),
        **{split: f"images/{split}" for split in splits},
        "names": {0: "person"},
    }
    write_whole(path, yaml.safe_dump(content, sort_keys=False))
    return path
