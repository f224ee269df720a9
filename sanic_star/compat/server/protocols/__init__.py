"""The protocols of Sanic's own server, in whose place there is the ASGI server."""
