"""Decides whether an object-detection model is promoted, and writes the decision up."""
