"""What of Sanic's server has a meaning on any ASGI server."""
