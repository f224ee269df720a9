"""TLS contexts from paths, directories and lists, as for `app.run(ssl=…)`."""

from __future__ import annotations

import ssl
from typing import Any, Self

from sanic_star.compat._serving import tls
from sanic_star.compat._support.stand_ins import stand_ins

CertSelector, find_cert, match_hostname, selector_sni_callback, server_name_callback = stand_ins(
    __name__, "CertSelector", "find_cert", "match_hostname", "selector_sni_callback", "server_name_callback"
)


class SanicSSLContext(ssl.SSLContext):
    """A TLS context with facts about its certificate.

    Attributes:
        sanic: the facts: `cert` and `key`, the paths, `names`, and the fields of the certificate's subject.
    """

    sanic: dict[str, Any]

    @classmethod
    def create_from_ssl_context(cls, context: ssl.SSLContext) -> Self:
        """Change the class of a context to this class, and return the context."""
        context.__class__ = cls
        return context  # type: ignore[return-value]


class CertSimple(SanicSSLContext):
    """The context of one certificate.

    Args:
        cert: the path of the certificate.
        key: the path of its key.
        kw: `password`, the password of the key; all others are stored in `sanic`.

    Raises:
        ValueError: a file cannot be read, or key and certificate do not match.
    """

    def __new__(cls, cert: Any, key: Any, **kw: Any) -> Self:
        """Load the certificate."""
        context = create_context(cert, key, kw.pop("password", None))
        created = cls.create_from_ssl_context(context)
        created.sanic = {**created.sanic, "cert": cert, "key": key, **kw}
        return created

    def __init__(self, cert: Any, key: Any, **kw: Any) -> None:
        pass


def create_context(
    certfile: str | None = None,
    keyfile: str | None = None,
    password: str | None = None,
    purpose: ssl.Purpose = ssl.Purpose.CLIENT_AUTH,
) -> ssl.SSLContext:
    """Create a context for HTTP/1.1 over TLS 1.2 or newer.

    Args:
        certfile: the path of a certificate.
        keyfile: the path of its key.
        password: the password of the key.
        purpose: whether it authenticates clients or servers.

    Raises:
        ValueError: a file cannot be read, or key and certificate do not match.
    """
    if certfile and keyfile and purpose is ssl.Purpose.CLIENT_AUTH:
        settings = tls.read((certfile, keyfile), password)
        assert settings is not None
        return settings.make()
    context = ssl.create_default_context(purpose)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    if certfile and keyfile:
        context.load_cert_chain(certfile, keyfile, password or "")
    return context


def process_to_context(ssldef: Any) -> ssl.SSLContext | None:
    """Return the context that `app.run(ssl=…)` would use; `None` for `None`.

    Args:
        ssldef: a context, a directory, a mapping with `cert` and `key`, a pair of paths, or a list of these.

    Raises:
        ValueError: it is none of these, or a file cannot be read.
    """
    settings = tls.read(ssldef)
    return None if settings is None else settings.make()


def shorthand_to_ctx(ctxdef: ssl.SSLContext | dict[str, Any] | str | None) -> ssl.SSLContext | None:
    """Return the context of one certificate; see `process_to_context`.

    Args:
        ctxdef: one certificate: a context, a dictionary with `cert` and `key`, a directory, or `None`.
    """
    return process_to_context(ctxdef)


def load_cert_dir(p: str) -> ssl.SSLContext:
    """Return the context of a directory with `fullchain.pem` and `privkey.pem`.

    Args:
        p: the path of the directory.

    Raises:
        ValueError: a file cannot be read.
    """
    context = process_to_context(p)
    assert context is not None
    return context
