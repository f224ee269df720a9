"""Tests of the project itself: what it ships, says and promises about its own shape."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
