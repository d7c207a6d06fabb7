"""Made-up detectors that see made-up images, with what moves their scores fitted to a real study.

A score, in logits, is a configuration's skill, moved by the seed, the image, the person, and by how
this configuration, and this training, answer to the image and the person.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from promotion.comparison.bootstrap import Groups
from promotion.metrics import Array, Matches

# mAP@50 of the embedded study as it was when the simulation was fitted to it, with harder pictures:
# two configurations of three seeds on 200 images with 1,298 persons; standard error of their
# difference from the images, and what the seeds add to it.
REAL = {"candidate": 0.43, "baseline": 0.35, "image_error": 0.0111, "seed_error": 0.0020}
# Standard deviations of a score: of an image, a person, a clip's frames among themselves, a
# training's answer to a person, a configuration's answer to an image and to a person.
IMAGE_SD, PERSON_SD, FRAME_SD, RUN_SD = 0.7, 1.6, 0.15, 0.5
CONFIGURATION_IMAGE_SD, CONFIGURATION_PERSON_SD = 0.30, 0.55
CLUTTER, CLUTTER_SCORE = 6.0, -2.2
LOWEST, THRESHOLD = 0.05, 0.3
# Of the candidate's seeds exactly one collapses in every study.
ALWAYS_ONE = -1.0


@dataclass(frozen=True)
class Scenario:
    """One kind of study: its images, its persons, its seeds, and how the configurations differ.

    `crowding` is the size of the negative binomial of persons (less is more uneven), `positive` the
    share of clips with any; `collapsing` the share of seeds that lose `collapse` of skill. A
    scenario is simulated `effort` times as often as others.
    """

    name: str
    images: int = 60
    frames: int = 1
    grouped: bool = True
    crowding: float = 4.0
    positive: float = 1.0
    persons: float = 6.5
    seeds: tuple[int, int] = (3, 3)
    seed_sd: float = 0.012
    correlation: float = 0.0
    skills: tuple[float, float] = (-2.13, -2.50)
    clutter_score: float = CLUTTER_SCORE
    collapse: float = 0.0
    collapsing: float = 0.0
    effort: int = 1


@dataclass(frozen=True)
class Split:
    """Images, and what makes their persons and their clutter easy or hard for every detector.

    `owner` is the image of each person or clutter, `clip` which object of its clip it is.
    """

    persons: NDArray[np.int64]
    groups: Groups
    owner: NDArray[np.int64]
    clip: NDArray[np.int64]
    ease: Array
    clutter_owner: NDArray[np.int64]
    clutter_clip: NDArray[np.int64]
    clutter: Array


@dataclass(frozen=True)
class SimulatedRun:
    """A run as the statistics see it."""

    matches: Matches
    threshold: float
    groups: Groups | None = None


def draw_split(scenario: Scenario, images: int, rng: np.random.Generator) -> Split:
    """Clips of frames that show nearly the same; a clip of one frame is an image."""
    clips = max(1, images // scenario.frames)
    share = scenario.crowding / (scenario.crowding + scenario.persons)
    persons = rng.negative_binomial(scenario.crowding, share, clips)
    persons = np.where(rng.random(clips) < scenario.positive, persons, 0)
    light = np.repeat(rng.normal(0, IMAGE_SD, clips), persons)
    ease = light + rng.normal(0, PERSON_SD, persons.sum())
    clutters = rng.poisson(CLUTTER, clips)
    clutter = rng.normal(scenario.clutter_score, 1, clutters.sum())
    owner, clip = _frames(persons, scenario.frames)
    clutter_owner, clutter_clip = _frames(clutters, scenario.frames)
    return Split(
        persons=np.repeat(persons, scenario.frames),
        groups=np.repeat(np.arange(clips), scenario.frames),
        owner=owner,
        clip=clip,
        ease=ease[clip] + rng.normal(0, FRAME_SD, len(clip)),
        clutter_owner=clutter_owner,
        clutter_clip=clutter_clip,
        clutter=clutter[clutter_clip] + rng.normal(0, FRAME_SD, len(clutter_clip)),
    )


def _frames(counts: NDArray[np.int64], frames: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Of each object in each frame: the frame that shows it, and which object of a clip it is."""
    clip_of = np.repeat(np.arange(len(counts)), counts)
    owner = (clip_of[:, None] * frames + np.arange(frames)).ravel()
    return owner, np.repeat(np.arange(counts.sum()), frames)


def draw_side(
    split: Split, skill: float, shifts: Array, grouped: bool, rng: np.random.Generator
) -> list[SimulatedRun]:
    """What the seeds of one configuration see; `shifts` (seeds,) move their skill."""
    objects = int(split.clip.max(initial=-1)) + 1
    clutters = int(split.clutter_clip.max(initial=-1)) + 1
    clips = int(split.groups.max()) + 1
    taste = rng.normal(0, CONFIGURATION_IMAGE_SD, clips)[split.groups[split.owner]]
    taste = taste + rng.normal(0, CONFIGURATION_PERSON_SD, objects)[split.clip]
    clutter_taste = rng.normal(0, CONFIGURATION_PERSON_SD, clutters)[split.clutter_clip]
    runs = []
    for shift in shifts:
        luck = rng.normal(0, RUN_SD, objects)[split.clip]
        clutter_luck = rng.normal(0, RUN_SD, clutters)[split.clutter_clip]
        found = skill + shift + split.ease + taste + luck
        matches = _matches(split, found, split.clutter + clutter_taste + clutter_luck)
        runs.append(SimulatedRun(matches, THRESHOLD, split.groups if grouped else None))
    return runs


def _matches(split: Split, found: Array, false: Array) -> Matches:
    confidence = special.expit(np.concatenate([found, false]))
    owner = np.concatenate([split.owner, split.clutter_owner])
    hit = np.arange(len(confidence)) < len(found)
    kept = np.flatnonzero(confidence >= LOWEST)
    order = kept[np.argsort(-confidence[kept], kind="stable")]
    return Matches(
        images=tuple(map(str, range(len(split.persons)))),
        persons=split.persons,
        image=owner[order],
        confidence=confidence[order],
        found=hit[None, order],
        row=order,
        person=np.where(hit[order], order, -1),
    )


def seed_shifts(scenario: Scenario, rng: np.random.Generator) -> tuple[Array, Array]:
    """How far each seed's skill is from its configuration's; equal numbers may share a part."""
    shared = rng.normal(0, 1, max(scenario.seeds))
    own = [rng.normal(0, 1, count) for count in scenario.seeds]
    weight = scenario.correlation
    ours, theirs = (
        scenario.seed_sd * (np.sqrt(weight) * shared[: len(one)] + np.sqrt(1 - weight) * one)
        for one in own
    )
    if scenario.collapsing == ALWAYS_ONE:
        ours[0] += scenario.collapse
    else:
        ours += scenario.collapse * (rng.random(len(ours)) < scenario.collapsing)
    return ours, theirs
