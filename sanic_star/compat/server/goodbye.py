"""The message at the end of a server."""


def get_goodbye() -> str:
    """Return "goodbye"; Sanic selects one of many languages."""
    return "Goodbye."
