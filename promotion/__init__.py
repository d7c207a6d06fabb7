"""Decides whether an object-detection model is promoted, and writes the decision up."""

__version__ = "0.1.0"
