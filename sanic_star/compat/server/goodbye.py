"""What is said at the end."""


def get_goodbye() -> str:
    """Return a word of farewell; Sanic chooses one of many languages."""
    return "Goodbye."
