"""Tests of the engine: the modules outside `compat`."""
