"""`Credentials`: the content of an `Authorization` header."""

from __future__ import annotations

from base64 import b64decode


class Credentials:
    """Credentials of a request.

    Args:
        auth_type: the scheme, such as `Basic` or `Bearer`.
        token: the rest of the header.

    Examples:
        >>> Credentials("Basic", "dXNlcjpwYXNz").username
        'user'
    """

    def __init__(self, auth_type: str | None, token: str | None) -> None:
        self.auth_type = auth_type
        self.token = token

    def __repr__(self) -> str:
        # Without the token, which must not be logged.
        return f"Credentials(auth_type={self.auth_type!r})"

    def _basic(self, attribute_name: str) -> list[str]:
        if self.auth_type != "Basic" or not self.token:
            raise AttributeError(f"{attribute_name} is available for Basic Auth only")
        try:
            name, _, password = b64decode(self.token.encode("utf-8")).decode().partition(":")
        except ValueError:
            # Not base64, or not UTF-8: the credentials are invalid.
            return ["", ""]
        return [name, password]

    @property
    def username(self) -> str | None:
        """The user's name, with Basic."""
        return self._basic("Username")[0]

    @property
    def password(self) -> str | None:
        """The password, with Basic."""
        return self._basic("Password")[1]
