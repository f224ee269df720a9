"""The client of the inspector; the command itself is in `sanic_star.cli`."""
