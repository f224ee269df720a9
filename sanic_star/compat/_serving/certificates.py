"""`CertLoader`, which loads the certificate of a process."""

from __future__ import annotations

import ssl
from typing import Any, ClassVar

from sanic_star.compat._serving.tls import read
from sanic_star.compat.http.tls.creators import CertCreator, MkcertCreator, TrustmeCreator


class CertLoader:
    """Load a certificate, in this process or in a worker.

    A subclass may load the certificate from elsewhere: `Sanic(certloader_class=…)`.

    Args:
        ssl_data: a value of `app.run(ssl=…)`; or a mapping with `creator` (`mkcert` or `trustme`), `cert`, `key` and
            `localhost`, the host name of the certificate to create.

    Examples:
        >>> from sanic_star import Sanic
        >>> class FromVault(CertLoader):
        ...     def load(self, app):
        ...         self._ssl_data = self._ssl_data or {"cert": "/run/vault/cert.pem", "key": "/run/vault/key.pem"}
        ...         return super().load(app)
        >>> app = Sanic("Vault", certloader_class=FromVault)
    """

    _creators: ClassVar[dict[str, type[CertCreator]]] = {"mkcert": MkcertCreator, "trustme": TrustmeCreator}

    def __init__(self, ssl_data: Any) -> None:
        self._ssl_data = ssl_data

    def load(self, app: Any) -> ssl.SSLContext | None:
        """Return the TLS context; `None` without a certificate.

        Args:
            app: the application; the password of a key may be in `TLS_CERT_PASSWORD`.

        Raises:
            ValueError: the certificate cannot be read, or the creator is unknown.
        """
        data = self._ssl_data
        if isinstance(data, dict) and "creator" in data:
            creator = self._creators.get(data["creator"])
            if creator is None:
                raise ValueError(f"ssl=: creator must be one of {', '.join(self._creators)}, got {data['creator']!r}")
            return creator(app, data["key"], data["cert"]).generate_cert(data["localhost"])
        tls = read(data, app.config.TLS_CERT_PASSWORD or None)
        return None if tls is None else tls.make()
