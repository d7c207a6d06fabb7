"""The slices of a split: what was drawn, what the user wrote, and how crowded a picture is."""

from __future__ import annotations

import hashlib
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from promotion.datasets import PreparedDataset, record_dataset, slices_of
from promotion.datasets.slices import crowding, read_slices
from promotion.datasets.street import DOMAINS, draw_scene
from promotion.errors import DatasetError
from promotion.paths import ROOT
from promotion.store import Artifact, Session, connect, load_table
from promotion.study import load_study

pytestmark = pytest.mark.slow

# The days as they were drawn when the starter weights were trained on them.
DAYS = "469e758808d718efba596e58ca3ece038d7370f611f368098cbaa5db29eb767e"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A user's folder of three pictures; their pixels do not matter here."""
    for part in ("images", "labels"):
        (tmp_path / part / "test").mkdir(parents=True)
    for name, persons in (("a", 0), ("b", 2), ("c", 12)):
        (tmp_path / "images" / "test" / f"{name}.jpg").write_bytes(b"")
        lines = "0 0.5 0.5 0.1 0.1\n" * persons
        (tmp_path / "labels" / "test" / f"{name}.txt").write_text(lines, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("persons", "name"),
    [(0, "0"), (1, "1-3"), (3, "1-3"), (4, "4-9"), (9, "4-9"), (10, "10+"), (300, "10+")],
)
def test_crowding(persons: int, name: str) -> None:
    assert crowding(persons) == name


def test_the_slices_of_drawn_scenes_are_what_the_generator_drew(streets: PreparedDataset) -> None:
    table = slices_of(streets.folder, "test").set_index("image")
    assert list(table) == ["crowding", "light", "weather"]
    for index in range(4):
        scene = draw_scene("night", "test", index, 5)
        row = table.loc[f"night_test_{index:05d}.jpg"]
        assert (row["light"], row["weather"]) == (scene.light, scene.weather)
        assert row["crowding"] == crowding(len(scene.boxes))


def test_the_pictures_do_not_depend_on_their_slices(streets: PreparedDataset) -> None:
    assert all(name.startswith(("images/", "labels/")) for name in streets.manifest.files)


def test_a_user_s_columns_are_slices(folder: Path) -> None:
    text = "image,weather,camera\nb.jpg,wet,north\nc.jpg,,south\n"
    (folder / "slices.csv").write_text(text, encoding="utf-8")
    table = slices_of(folder, "test")
    assert table["crowding"].tolist() == ["0", "1-3", "10+"]
    assert table["weather"].tolist() == ["unknown", "wet", "unknown"]
    assert table["camera"].tolist() == ["unknown", "north", "south"]


def test_without_a_slices_file_there_is_the_crowding(folder: Path) -> None:
    assert list(slices_of(folder, "test")) == ["image", "crowding"]


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b'a,"b', b"name,weather\na.jpg,wet\n"])
def test_a_slices_file_that_is_none_is_refused_in_one_line(folder: Path, content: bytes) -> None:
    (folder / "slices.csv").write_bytes(content)
    with pytest.raises(
        DatasetError, match=r"slices\.csv: (not a table|no column image)"
    ) as refused:
        slices_of(folder, "test")
    assert "\n" not in str(refused.value)


@given(st.one_of(st.binary(max_size=200), st.text("image,light\"'\n\r\0;=é\u202e", max_size=80)))
def test_any_bytes_are_a_table_of_slices_or_a_line(
    tmp_path_factory: pytest.TempPathFactory, content: bytes | str
) -> None:
    place = tmp_path_factory.getbasetemp()
    encoded = content.encode() if isinstance(content, str) else content
    (place / "slices.csv").write_bytes(encoded)
    said = ""
    try:
        read_slices(place)
    except DatasetError as error:
        said = str(error)
    assert len(said.splitlines()) <= 1


def test_later_steps_read_the_slices_from_mlflow(streets: PreparedDataset, tmp_path: Path) -> None:
    client = connect(tmp_path, "slices")
    with mlflow.start_run() as run:
        study = load_study(ROOT / "studies" / "smoke.yaml")
        record_dataset(Session(study, tmp_path, client, run.info.run_id), streets)
    for split in ("val", "test"):
        found = load_table(client, run.info.run_id, Artifact.slices(split))
        pd.testing.assert_frame_equal(found, slices_of(streets.folder, split), check_dtype=False)


def test_the_days_of_the_starter_weights_are_drawn_as_ever() -> None:
    digest = hashlib.sha256()
    for domain in ("day", "busy"):
        for split in ("train", "val", "test", "canary"):
            for index in range(6):
                scene = draw_scene(domain, split, index, 7)
                digest.update(scene.picture.tobytes() + scene.boxes.tobytes())
                digest.update(bytes([scene.jpeg_quality]))
    assert digest.hexdigest() == DAYS


def test_winter_shows_snow_and_neither_rain_nor_night() -> None:
    assert DOMAINS["winter"].wet == 0
    scenes = [draw_scene("winter", "canary", index, 11) for index in range(12)]
    assert {scene.weather for scene in scenes} == {"snow"}
    assert "night" not in {scene.light for scene in scenes}
    # The ground of a snowy day is bright: as bright as no other domain's.
    bright = [float(np.median(scene.picture[-60:])) for scene in scenes if scene.light == "day"]
    assert min(bright) > 150


def test_night_shows_no_day() -> None:
    lights = {draw_scene("night", "test", index).light for index in range(25)}
    assert lights == {"dusk", "night"}


def test_no_other_domain_snows() -> None:
    for domain in ("day", "busy", "night"):
        weathers = {draw_scene(domain, "val", index).weather for index in range(25)}
        assert "snow" not in weathers
        assert weathers <= {"clear", "wet", "fog"}


@pytest.mark.parametrize(
    "text",
    [
        "image,weather\nb.jpg,<script>alert(1)</script>\n",
        "image,weather\nb.jpg,wet | dry\n",
        "image,weather\nb.jpg,$\\frac{1}{0}$\n",
        "image,`weather`\nb.jpg,wet\n",
        f"image,weather\nb.jpg,{'w' * 81}\n",
    ],
)
def test_a_slice_is_named_by_words(folder: Path, text: str) -> None:
    """Its name stands in tables, plots and pages, where a markup would be carried out."""
    (folder / "slices.csv").write_text(text, encoding="utf-8")
    with pytest.raises(DatasetError, match="does not name a slice: use words") as caught:
        slices_of(folder, "test")
    assert "\n" not in str(caught.value)
