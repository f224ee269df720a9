"""Names of Sanic's HTML pages; this package's pages are in `sanic_star.compat.errorpages`."""
