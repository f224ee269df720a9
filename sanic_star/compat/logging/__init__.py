"""What Sanic's log output is made of; `sanic_star.compat.log` is the public face."""
