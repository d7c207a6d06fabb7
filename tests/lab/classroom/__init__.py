"""Tests of a class."""
