"""The message at the end of a server."""


def get_goodbye() -> str:
    """Return the message; Sanic returns it in a random language."""
    return "Goodbye."
