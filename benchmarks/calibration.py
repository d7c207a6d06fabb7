"""Do the intervals, promotions, gates, openings, plans and the canary keep their word?

Simulates studies and canaries whose truth is known, judges them by the product's own functions, and
writes the rows of the book's page.

    python benchmarks/calibration.py --studies 400
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from promotion.paths import ROOT

sys.path.insert(0, str(ROOT))

from benchmarks.simulation import canary, comparison, costs, sequences
from benchmarks.simulation.rows import Row

# Rows that draw no images cost little, so that they are simulated so many times as often.
CHEAP, PLANS = 50, 5


def main() -> None:
    """Simulate every scenario and write all rows, one a line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--studies", type=int, default=400)
    parser.add_argument("--out", type=Path, default=ROOT / "book" / "calibration.json")
    options = parser.parse_args()
    studies = options.studies
    parts: list[Callable[[], list[Row]]] = [
        partial(costs.gate_rows, CHEAP // 5 * studies),
        partial(sequences.opening_rows, CHEAP * studies),
        partial(sequences.plan_rows, PLANS * studies),
        partial(canary.canary_rows, studies),
        *(partial(comparison.comparison_rows, one, studies) for one in comparison.SCENARIOS),
    ]
    began = time.perf_counter()
    fitted = comparison.fitted(min(studies, 100))
    rows = [row for part in parts for row in timed(part)]
    write(options.out, fitted, rows)
    seconds = time.perf_counter() - began
    print(f"{len(rows)} rows in {seconds:.0f} s, {time.process_time():.0f} s of the processor")


def timed(part: Callable[[], list[Row]]) -> list[Row]:
    """The rows of one part, printed with the time it took."""
    began = time.perf_counter()
    rows = part()
    for row in rows:
        print(row.section, row.name, row.metric, row.measure, f"{row.share:.4f}", flush=True)
    print(f"{time.perf_counter() - began:.0f} s", flush=True)
    return rows


def write(path: Path, fitted: dict[str, dict[str, float]], rows: list[Row]) -> None:
    """Write the figures as JSON, one row a line."""
    lines = ",\n  ".join(json.dumps(row.model_dump(exclude_defaults=True)) for row in rows)
    path.write_text(
        f'{{\n "fitted": {json.dumps(fitted)},\n "rows": [\n  {lines}\n ]\n}}\n', encoding="utf-8"
    )


if __name__ == "__main__":
    main()
