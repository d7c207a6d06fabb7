"""Do the intervals and verdicts keep their word? A simulation where the truth is known.

Runs of a made-up detector see made-up images. Its mAP, the part of its variance that comes from the
seeds, and the part that comes from the images are those of the embedded study (see REAL). Each
simulated study is compared exactly as a real one is; the table says how often the interval covers
the truth, how often a promotion is false, and how often a real gain is found.

    python benchmarks/calibration.py --studies 1000 --out book/calibration.json
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray
from scipy import special

from promotion.comparison.bootstrap import compare
from promotion.decision.decision import required_probability
from promotion.metrics import Matches, average_precision

Floats = NDArray[np.float64]

# The embedded study: mAP@50 on test 0.35 and 0.43; standard deviation between seeds 0.002 to 0.017;
# 6.5 persons an image.
REAL = {"mAP50": 0.38, "seed_sd": 0.012, "persons": 6.5}
WORTH = 0.02
CONFIDENCE = 0.95
REPLICATES = 400
# How the detector's score of a person varies: by image, by person, by chance of the run.
IMAGE_SD, PERSON_SD, RUN_SD = 0.7, 1.6, 0.5
CLUTTER, CLUTTER_SCORE = 6.0, -2.2
LOWEST = 0.01


@dataclass(frozen=True)
class Looked:
    """A run as the statistics see it."""

    matches: Matches
    threshold: float


@dataclass(frozen=True)
class Images:
    """A split: what makes its persons, and its clutter, easy or hard for every detector."""

    persons: NDArray[np.int64]
    owner: NDArray[np.int64]
    ease: Floats
    clutter_owner: NDArray[np.int64]
    clutter: Floats


def draw_images(count: int, rng: np.random.Generator) -> Images:
    """Images with about as many persons as the street scenes, and as unevenly spread."""
    persons = rng.negative_binomial(4, 4 / (4 + REAL["persons"]), count)
    owner = np.repeat(np.arange(count), persons)
    light = rng.normal(0, IMAGE_SD, count)
    ease = light[owner] + rng.normal(0, PERSON_SD, len(owner))
    clutter_owner = np.repeat(np.arange(count), rng.poisson(CLUTTER, count))
    clutter = rng.normal(CLUTTER_SCORE, 1, len(clutter_owner))
    return Images(persons, owner, ease, clutter_owner, clutter)


def draw_run(images: Images, skill: float, seed_sd: float, rng: np.random.Generator) -> Matches:
    """What one training of a configuration of this skill sees; its seed moves its skill."""
    skill = skill + rng.normal(0, seed_sd)
    found = special.expit(skill + images.ease + rng.normal(0, RUN_SD, len(images.ease)))
    false = special.expit(images.clutter + rng.normal(0, RUN_SD, len(images.clutter)))
    confidence = np.concatenate([found, false])
    owner = np.concatenate([images.owner, images.clutter_owner])
    hit = np.arange(len(confidence)) < len(found)
    kept = np.flatnonzero(confidence >= LOWEST)
    order = kept[np.argsort(-confidence[kept], kind="stable")]
    names = tuple(map(str, range(len(images.persons))))
    return Matches(
        names,
        images.persons,
        owner[order],
        confidence[order],
        hit[None, order],
        row=order,
        person=np.where(hit[order], order, -1),
    )


def true_map(skill: float, seed_sd: float, rng: np.random.Generator, seeds: int = 40) -> float:
    """The mean mAP@50 of a configuration over all seeds and images, nearly."""
    values = []
    for _ in range(seeds):
        images = draw_images(2000, rng)
        run = draw_run(images, skill, seed_sd, rng)
        values.append(average_precision(run, np.ones((1, 2000)))[0, 0])
    return float(np.mean(values))


@dataclass(frozen=True)
class Scale:
    """Skills and the mAP@50 that they lead to, to go from one to the other."""

    skills: Floats
    maps: Floats
    seed_sd: float

    def skill(self, value: float) -> float:
        """The skill of this mAP@50."""
        return float(np.interp(value, self.maps, self.skills))


def scale(seed_sd_map: float) -> Scale:
    """Measure the scale for a standard deviation between seeds, in mAP@50."""
    skills = np.linspace(-4.5, -1.0, 15)
    # The same images and seeds for every skill: their differences are known better than each.
    flat = np.array([true_map(skill, 0.0, np.random.default_rng(0), 10) for skill in skills])
    slope = np.interp(REAL["mAP50"], flat, np.gradient(flat, skills))
    seed_sd = seed_sd_map / slope
    maps = np.array([true_map(skill, seed_sd, np.random.default_rng(1)) for skill in skills])
    return Scale(skills, maps, seed_sd)


def one_study(
    scale: Scale, gain: float, images: int, seeds: int, rivals: int, number: int
) -> dict[str, float]:
    """Choose among rivals on val, compare with the baseline on test, as the product does."""
    rng = np.random.default_rng([number, images, seeds, rivals, int(1000 * gain)])
    base, better = scale.skill(REAL["mAP50"]), scale.skill(REAL["mAP50"] + gain)
    val, test = draw_images(max(50, images // 2), rng), draw_images(images, rng)

    def trained(skill: float) -> tuple[list[Matches], list[Matches]]:
        shifts = rng.normal(0, scale.seed_sd, seeds)
        on_val = [draw_run(val, skill + shift, 0, rng) for shift in shifts]
        return on_val, [draw_run(test, skill + shift, 0, rng) for shift in shifts]

    def on_val(side: tuple[list[Matches], list[Matches]]) -> float:
        everyone = np.ones((1, len(val.persons)))
        return float(np.mean([average_precision(run, everyone)[0, 0] for run in side[0]]))

    candidate = max((trained(better) for _ in range(rivals)), key=on_val)
    baseline = trained(base)
    ours, theirs = ([Looked(run, 0.3) for run in side[1]] for side in (candidate, baseline))
    found = compare(ours, theirs, CONFIDENCE, rng, REPLICATES)
    low, high = found.comparison[0].interval
    level = required_probability(CONFIDENCE, rivals)
    worth = found.probability_above("mAP50", WORTH)
    return {
        "covered": low <= gain <= high,
        "width": high - low,
        "established": found.probability_above("mAP50", 0.0) >= level,
        "promoted": worth >= level,
        "promoted_uncorrected": worth >= CONFIDENCE,
        "rejected": worth <= 1 - level,
    }


def scenario(
    scale: Scale, gain: float, images: int, seeds: int, rivals: int, studies: int
) -> dict[str, float]:
    """The shares over many studies, with what was simulated."""
    found = Parallel(n_jobs=-1)(
        delayed(one_study)(scale, gain, images, seeds, rivals, number) for number in range(studies)
    )
    shares = {key: float(np.mean([one[key] for one in found])) for key in found[0]}
    facts = {"gain": gain, "images": images, "seeds": seeds, "rivals": rivals, "studies": studies}
    return {**facts, "worth": WORTH, **shares}


# Seeds' standard deviation, true gain, test images, seeds, rivals: first what must not be promoted,
# then how the power grows with the difference, the images and the seeds.
SEED_SD = REAL["seed_sd"]
SCENARIOS = [
    (SEED_SD, 0.0, 200, 3, 1),
    (SEED_SD, 0.0, 200, 3, 3),
    (SEED_SD, WORTH, 200, 3, 3),
    (2 * SEED_SD, 0.0, 200, 3, 1),
    (2 * SEED_SD, 0.0, 200, 3, 3),
    (2 * SEED_SD, WORTH, 200, 3, 3),
    (SEED_SD, 0.0, 60, 3, 1),
    (SEED_SD, 0.0, 200, 2, 1),
    (SEED_SD, 0.04, 200, 3, 3),
    (SEED_SD, 0.07, 200, 3, 3),
    (SEED_SD, 0.07, 100, 3, 3),
    (SEED_SD, 0.07, 400, 3, 3),
    (SEED_SD, 0.07, 200, 6, 3),
]


def main() -> None:
    """Simulate every scenario and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--studies", type=int, default=1000)
    parser.add_argument("--out", type=Path, default=Path("book/calibration.json"))
    options = parser.parse_args()
    scales = {seed_sd: scale(seed_sd) for seed_sd in (SEED_SD, 2 * SEED_SD)}
    rows = []
    for seed_sd, *facts in SCENARIOS:
        began = time.perf_counter()
        rows.append({"seed_sd": seed_sd, **scenario(scales[seed_sd], *facts, options.studies)})
        shown = {key: round(value, 3) for key, value in rows[-1].items()}
        print(shown, f"{time.perf_counter() - began:.0f} s", flush=True)
    options.out.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
