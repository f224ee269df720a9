"""Names of the protocols of Sanic's own server; here an ASGI server has its own protocols."""
