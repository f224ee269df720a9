"""Benchmarks of sanic_star and its peers: `python -m benchmarks --help`."""
