"""Tests of the engine: the modules beside `compat`."""
