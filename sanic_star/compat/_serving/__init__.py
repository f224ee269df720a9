"""Running applications in Sanic's words, on `sanic_star.servers`."""
