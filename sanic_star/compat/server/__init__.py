"""The parts of Sanic's server that work on any ASGI server."""
