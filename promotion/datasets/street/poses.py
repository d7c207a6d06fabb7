"""Poses: the joint angles of a figure, one function a pose.

Angles are radians, 0 hanging straight down, positive forwards; knees bend backwards and elbows
forwards from the limb above. Left and right come as pairs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Pair = tuple[float, float]
Rng = np.random.Generator


@dataclass(frozen=True)
class Pose:
    """Joint angles in radians; `drop` lowers the hips, in body heights."""

    thighs: Pair
    knees: Pair
    shoulders: Pair
    elbows: Pair
    spread: Pair
    lean: float = 0.0
    drop: float = 0.0


def _pair(rng: Rng, low: float, high: float) -> Pair:
    return rng.uniform(low, high), rng.uniform(low, high)


def standing(rng: Rng) -> Pose:
    """Upright, arms hanging."""
    return Pose(
        thighs=_pair(rng, -0.06, 0.06),
        knees=(0.05, 0.05),
        shoulders=_pair(rng, -0.15, 0.15),
        elbows=_pair(rng, 0.05, 0.4),
        spread=_pair(rng, 0.05, 0.2),
        lean=rng.uniform(-0.04, 0.06),
    )


def _stride(
    rng: Rng, amplitude: float, knee: Pair, elbows: Pair, swing: float, lean: float
) -> Pose:
    """One leg forwards, the other back and bent; the arms swing against the legs."""
    forward = rng.choice([-1, 1])
    bent, straight = knee
    return Pose(
        thighs=(forward * amplitude, -forward * amplitude),
        knees=(bent, straight) if forward < 0 else (straight, bent),
        shoulders=(-forward * amplitude * swing, forward * amplitude * swing),
        elbows=elbows,
        spread=_pair(rng, 0.05, 0.2),
        lean=lean,
    )


def walking(rng: Rng) -> Pose:
    """A walker in mid stride."""
    knee = rng.uniform(0.05, 0.25)
    return _stride(
        rng,
        rng.uniform(0.25, 0.5),
        (knee + 0.35, knee),
        _pair(rng, 0.05, 0.4),
        swing=0.9,
        lean=rng.uniform(-0.02, 0.08),
    )


def running(rng: Rng) -> Pose:
    """A runner: long stride, elbows bent, leaning forwards."""
    return _stride(
        rng,
        rng.uniform(0.55, 0.9),
        (1.4, 0.5),
        (1.5, 1.5),
        swing=1.0,
        lean=rng.uniform(0.1, 0.25),
    )


def _with_arms(pose: Pose, shoulders: Pair, elbows: Pair, spread: Pair | None = None) -> Pose:
    return Pose(
        pose.thighs, pose.knees, shoulders, elbows, spread or pose.spread, pose.lean, pose.drop
    )


def talking(rng: Rng) -> Pose:
    """Standing, one hand gesturing."""
    return _with_arms(
        standing(rng),
        (rng.uniform(0, 0.7), rng.uniform(-0.15, 0.15)),
        (rng.uniform(0.8, 1.9), rng.uniform(0.1, 1.6)),
    )


def phoning(rng: Rng) -> Pose:
    """Standing, a telephone at the ear."""
    return _with_arms(
        standing(rng),
        (rng.uniform(0.3, 0.6), rng.uniform(-0.15, 0.15)),
        (rng.uniform(1.7, 2.3), rng.uniform(0.05, 0.4)),
    )


def waving(rng: Rng) -> Pose:
    """Standing, arms thrown up or out."""
    return _with_arms(
        standing(rng),
        (rng.uniform(1.2, 3.0), rng.uniform(-0.2, 2.8)),
        _pair(rng, 0, 0.7),
        _pair(rng, 0.2, 0.7),
    )


def bending(rng: Rng) -> Pose:
    """Bent over, reaching down."""
    return Pose(
        thighs=_pair(rng, -0.06, 0.06),
        knees=_pair(rng, 0.1, 0.5),
        shoulders=_pair(rng, 0.5, 1.3),
        elbows=_pair(rng, 0.05, 0.4),
        spread=_pair(rng, 0.05, 0.2),
        lean=rng.uniform(0.5, 1.1),
    )


def sitting(rng: Rng) -> Pose:
    """On a bench, thighs level."""
    return Pose(
        thighs=_pair(rng, 1.25, 1.5),
        knees=_pair(rng, 1.2, 1.6),
        shoulders=_pair(rng, -0.1, 0.5),
        elbows=_pair(rng, 0.3, 1.2),
        spread=_pair(rng, 0.05, 0.2),
        lean=rng.uniform(-0.04, 0.1),
        drop=-0.24,
    )


def cycling(rng: Rng) -> Pose:
    """On a bicycle, hands on the bars."""
    return Pose(
        thighs=(rng.uniform(0.5, 1.0), rng.uniform(1.0, 1.5)),
        knees=(rng.uniform(0.7, 1.2), rng.uniform(1.2, 1.6)),
        shoulders=(1.0, 1.0),
        elbows=(0.3, 0.3),
        spread=(0.1, 0.1),
        lean=rng.uniform(0.25, 0.5),
    )


POSES: dict[str, Callable[[Rng], Pose]] = {
    "stand": standing,
    "walk": walking,
    "run": running,
    "talk": talking,
    "phone": phoning,
    "wave": waving,
    "bend": bending,
    "sit": sitting,
    "cycle": cycling,
}
