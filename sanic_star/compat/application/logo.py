"""The line that stands for Sanic's logo where code asks for one."""

BASE_LOGO = COFFEE_LOGO = COLOR_LOGO = FULL_COLOR_LOGO = "Sanic's API on Starlette"


def get_logo(full: bool = False, coffee: bool = False) -> str:
    """Return the line.

    Args:
        full: without effect: there is one form.
        coffee: likewise.
    """
    return BASE_LOGO
