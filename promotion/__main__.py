"""Makes `python -m promotion` the same as `promotion`."""

from promotion.cli import app

app(prog_name="promotion")
