"""Tests of the project itself: its packages, its documentation and its structure."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
