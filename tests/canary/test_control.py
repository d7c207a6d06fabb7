"""What the control promises: other programs that take the machine are noticed, and stop nobody."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest
from joblib import cpu_count

from promotion.canary.control import share_free
from promotion.canary.run import behaviour, run_canary
from promotion.canary.stability import FREE, Promise, judge
from promotion.checksums import sha256_of
from promotion.datasets import ground_truth, images_of, prepare
from promotion.registry import Contender, open_onnx
from promotion.study import Canary, CanaryDataset
from promotion.study.schema import Margins

RULES = Canary(
    # So many that their blocks suffice to break a promise, however they fall.
    dataset=CanaryDataset(source="street_scenes", images=48),
    batch=12,
    margins=Margins(recall=0.1, precision=0.15),
    latency_p95_ms=1000,
    burst_s=0.1,
)


@contextmanager
def neighbours(count: int) -> Iterator[None]:
    """Other programs that want a core each."""
    command = [sys.executable, "-c", "print(flush=True)\nwhile True: pass"]
    programs = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(count)]
    try:
        for one in programs:
            assert one.stdout is not None
            one.stdout.readline()
        yield
    finally:
        for one in programs:
            one.kill()
            one.communicate()


def test_other_programs_leave_less_of_the_machine() -> None:
    cores = cpu_count()
    alone = max(share_free(cores) for _ in range(5))
    with neighbours(4 * cores):
        crowded = [share_free(cores) for _ in range(5)]
    assert max(crowded) < min(alone, FREE)


@dataclass(frozen=True)
class Delayed(Contender):
    """The starter model, whose answer comes later by some seconds."""

    seconds: float

    def see(self, photograph: bytes) -> pd.DataFrame:
        time.sleep(self.seconds)
        return super().see(photograph)


@pytest.mark.trial
def test_a_late_challenger_is_not_stopped_while_others_take_the_machine(
    starter: Path, tmp_path: Path
) -> None:
    """The limit is one that the champion keeps here and now, and the challenger never."""
    folder = prepare(RULES.dataset, tmp_path).folder
    images, truth = images_of(folder, "canary"), ground_truth(folder, "canary")
    champion = Contender("champion", open_onnx(starter, sha256_of(starter)), 0.3)
    challenger = Delayed(champion.name, champion.model, champion.threshold, 1.0)
    shown = pd.concat([champion.see(path.read_bytes()).assign(image=path.name) for path in images])
    promise = Promise(0.5, behaviour(shown, [path.name for path in images]))
    with neighbours(2 * cpu_count()):
        course = run_canary(challenger, champion, images, {}, truth, promise, RULES, 0.95)
    late = course.observations[["ms_challenger", "ms_champion"]] > RULES.latency_p95_ms
    assert late["ms_challenger"].all()
    assert late["ms_champion"].mean() < 0.5
    assert (course.observations["free"] < FREE).all()
    assert (course.verdict, course.looks[-1].criterion("latency").state) == ("continue", "open")
    # The same answers on a machine that was free.
    timings = course.timings.assign(free=1.0)
    look = judge(course.observations, promise, RULES, 0.95, 2, timings, ended=True)
    assert look.criterion("latency").state == "broken"
