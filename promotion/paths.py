"""Where things lie: the project's own files, and the folder of the state."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HOME_VARIABLE = "PROMOTION_HOME"


def default_home() -> Path:
    """The folder of the state: PROMOTION_HOME, else `.promotion` beside the package."""
    return Path(os.environ.get(HOME_VARIABLE) or ROOT / ".promotion").resolve()
