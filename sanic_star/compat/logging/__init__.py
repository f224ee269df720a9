"""Formatters, filters and the default configuration of the log; `sanic_star.compat.log` has the loggers."""
