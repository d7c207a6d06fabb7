from __future__ import annotations

import hashlib
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from promotion.datasets.street import DOMAINS, draw_scene
from promotion.datasets.street.figure import draw_figure
from promotion.datasets.street.poses import POSES
from promotion.datasets.street.props import PROPS

ONE_SCENE = (
    "import hashlib; from promotion.datasets.street import draw_scene;"
    "s = draw_scene('night', 'val', 3, seed=9);"
    "print(hashlib.sha256(s.picture.tobytes() + s.boxes.tobytes()).hexdigest())"
)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_bytes_in_another_process() -> None:
    scene = draw_scene("night", "val", 3, seed=9)
    here = hashlib.sha256(scene.picture.tobytes() + scene.boxes.tobytes()).hexdigest()
    asked = [sys.executable, "-c", ONE_SCENE]
    assert subprocess.check_output(asked, text=True).strip() == here


def test_split_index_seed_and_domain_each_change_the_scene() -> None:
    def picture(*arguments: object) -> bytes:
        return draw_scene(*arguments).picture.tobytes()  # type: ignore[arg-type]

    scenes = [("day", "val", 0, 0), ("night", "val", 0, 0), ("day", "test", 0, 0)]
    scenes += [("day", "val", 1, 0), ("day", "val", 0, 1)]
    assert len({picture(*scene) for scene in scenes}) == len(scenes)


@settings(max_examples=15, deadline=None)
@given(st.sampled_from(sorted(DOMAINS)), st.integers(0, 10_000))
def test_every_box_is_inside_its_picture_and_large_enough(domain: str, index: int) -> None:
    scene = draw_scene(domain, "train", index)
    height, width = scene.picture.shape[:2]
    assert scene.picture.dtype == np.uint8
    assert (scene.boxes[:, :2] >= 0).all()
    assert (scene.boxes[:, 2:] <= [width, height]).all()
    assert (scene.boxes[:, 3] - scene.boxes[:, 1] >= 9).all()


@pytest.mark.parametrize("pose", sorted(POSES))
def test_every_pose_draws_a_body(pose: str) -> None:
    sprite = draw_figure(np.random.default_rng(1), 120, pose).sprite()
    assert (sprite.person > 0.5).mean() > 0.05


@pytest.mark.parametrize("kind", sorted(PROPS))
def test_no_prop_counts_as_a_person(kind: str) -> None:
    sprite = PROPS[kind](np.random.default_rng(1), 120.0, True).sprite()
    assert sprite.alpha.max() == 1
    assert sprite.person.max() == 0
