"""`CertLoader`: from what `app.run(ssl=…)` takes to a TLS context."""

from __future__ import annotations

from ssl import SSLContext
from typing import Any

from sanic_star.compat._serving import tls


class CertLoader:
    """Load a certificate, in this process or in a worker.

    A class derived from it finds the certificate its own way: `Sanic(certloader_class=…)`.

    Args:
        ssl_data: what `app.run(ssl=…)` takes.

    Examples:
        >>> from sanic_star import Sanic
        >>> class FromVault(CertLoader):
        ...     def load(self, app):
        ...         self._ssl_data = self._ssl_data or {"cert": "/run/vault/cert.pem", "key": "/run/vault/key.pem"}
        ...         return super().load(app)
        >>> app = Sanic("Vault", certloader_class=FromVault)
    """

    def __init__(self, ssl_data: Any) -> None:
        self._ssl_data = ssl_data

    def load(self, app: Any) -> SSLContext | None:
        """Return the TLS context, `None` where no certificate was given.

        Args:
            app: the application; the password of a key may be in `TLS_CERT_PASSWORD`.

        Raises:
            ValueError: the certificate can't be read.
        """
        files = tls.read(self._ssl_data, app.config.TLS_CERT_PASSWORD or None)
        return None if files is None else files.make()
