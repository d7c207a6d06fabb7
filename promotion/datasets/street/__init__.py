"""Street scenes: procedural pictures of people, the same for the same seed on every machine."""

from .domains import DOMAINS
from .scene import SPLITS, Scene, draw_scene

__all__ = ["DOMAINS", "SPLITS", "Scene", "draw_scene"]
