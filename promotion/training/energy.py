"""What a training costs: its energy, measured or estimated, and its duration."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from codecarbon import OfflineEmissionsTracker

COUNTRY = "FRA"
POWER_SAMPLE_S = 2
POWER_METERS = {"intel_rapl", "intel_power_gadget", "windows_emi"}


@dataclass
class Energy:
    """Energy and duration of a piece of work; `method` says whether a meter measured it."""

    watt_hours: float = float("nan")
    method: str = ""
    seconds: float = 0.0


@contextmanager
def energy_meter() -> Iterator[Energy]:
    """Meter this process's energy, by codecarbon in offline mode.

    Without a power meter (Intel RAPL, PowerMetrics, NVML) codecarbon estimates the processor's
    power from its load and a table; the method is then `estimated`.
    See https://mlco2.github.io/codecarbon/methodology.html
    """
    energy = Energy()
    # Codecarbon logs on its way to applying the level that it is given below.
    logging.getLogger("codecarbon").setLevel(logging.CRITICAL)
    tracker = OfflineEmissionsTracker(
        country_iso_code=COUNTRY,
        measure_power_secs=POWER_SAMPLE_S,
        tracking_mode="process",
        save_to_file=False,
        allow_multiple_runs=True,
        log_level="critical",
    )
    began = time.perf_counter()
    tracker.start()
    try:
        yield energy
    finally:
        tracker.stop()
        energy.seconds = time.perf_counter() - began
        data = tracker.final_emissions_data
        energy.watt_hours = float(data.energy_consumed) * 1000
        energy.method = _method(tracker)


def _method(tracker: OfflineEmissionsTracker) -> str:
    """`measured` when the processor has a meter, else `estimated`."""
    modes = {getattr(device, "_mode", None) for device in tracker._hardware}
    return "measured" if modes & POWER_METERS else "estimated"
