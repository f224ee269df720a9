"""The HTML pages of Sanic; those of this package are made in `sanic_star.compat.errorpages`."""
