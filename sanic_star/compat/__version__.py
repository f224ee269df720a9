"""The release of Sanic whose API this is; the package's own version is `sanic_star.__version__`."""

__version__ = "25.12.1"
