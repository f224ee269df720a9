"""Certificates for development on this machine: `app.run(dev=True, auto_tls=True)`.

`LOCAL_CERT_CREATOR` selects the creator: mkcert, whose certificates the browsers of this machine trust, the package
trustme, or the first of these that is installed (`auto`). `LOCAL_TLS_CERT` and `LOCAL_TLS_KEY` are the paths of the
files: if both files exist, they are used; otherwise they are written. Without these settings, each start creates a new
certificate.
"""

from __future__ import annotations

import atexit
import os
import shutil
import ssl as tls_library
import subprocess
import tempfile
from abc import ABC, abstractmethod
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

from sanic_star.compat._serving.tls import read
from sanic_star.compat.constants import DEFAULT_LOCAL_TLS_CERT, DEFAULT_LOCAL_TLS_KEY, LocalCertCreator
from sanic_star.compat.exceptions import SanicException
from sanic_star.compat.helpers import Default
from sanic_star.compat.http.tls.context import CertSimple
from sanic_star.servers.settings import TLS

TRUSTME_INSTALLED = find_spec("trustme") is not None
# Imported only to create a certificate, because the import takes a tenth of a second.
trustme: Any = None


def get_ssl_context(app: Any, ssl: tls_library.SSLContext | None) -> tls_library.SSLContext:
    """Return a context; without one, create one with a certificate for localhost.

    Args:
        app: the application, in debug mode; its settings contain the paths and the creator.
        ssl: the context, if there is one.

    Raises:
        SanicException: it is not debug mode, or neither mkcert nor trustme is installed.
        ValueError: the existing certificate cannot be used.
    """
    if ssl:
        return ssl
    if not app.debug:
        raise SanicException(
            "Cannot run Sanic as an HTTPS server in PRODUCTION mode without a certificate: give ssl=…, or dev=True to "
            "have one made for this machine."
        )
    config = app.config
    configured_paths = (config.LOCAL_TLS_CERT, config.LOCAL_TLS_KEY)
    if all(not isinstance(path, Default) and Path(path).exists() for path in configured_paths):
        # An existing certificate needs no creator.
        return CertSimple(*configured_paths, password=config.TLS_CERT_PASSWORD or None)
    creator = CertCreator.select(app, config.LOCAL_CERT_CREATOR, config.LOCAL_TLS_KEY, config.LOCAL_TLS_CERT)
    return creator.generate_cert(config.LOCALHOST)


def local_tls(app: Any) -> TLS:
    """Return the TLS settings with the certificate for development.

    Args:
        app: the application.

    Raises:
        SanicException, ValueError: see `get_ssl_context`.
    """
    context = get_ssl_context(app, None)
    facts = getattr(context, "sanic", {})
    # As paths, so that other processes, and servers that load it themselves, can read it.
    definition = (facts["cert"], facts["key"]) if {"cert", "key"} <= facts.keys() else context
    tls = read(definition, app.config.TLS_CERT_PASSWORD or None)
    assert tls is not None
    return tls


class CertCreator(ABC):
    """Creates a certificate for this machine.

    Args:
        app: the application that is served with it.
        key: the path of the key; by default in a temporary directory.
        cert: the path of the certificate; by default in a temporary directory.

    Attributes:
        tmpdir: the temporary directory, removed when this process ends; `None` if both paths are given.
        key_path: the path of the key, which may not exist yet.
        cert_path: the path of the certificate, which may not exist yet.

    Examples:
        >>> from sanic_star import Sanic
        >>> from sanic_star.compat.helpers import _default
        >>> creator = TrustmeCreator(Sanic("Local"), _default, _default)
        >>> creator.cert_path.name
        'cert.pem'
    """

    NAME: ClassVar[str]

    def __init__(self, app: Any, key: Path | str | Default, cert: Path | str | Default) -> None:
        self.app = app
        self.tmpdir: Path | None = None
        self.key_path = self._path(key, DEFAULT_LOCAL_TLS_KEY)
        self.cert_path = self._path(cert, DEFAULT_LOCAL_TLS_CERT)

    @abstractmethod
    def check_supported(self) -> None:
        """Check that the creator is installed.

        Raises:
            SanicException: it is not installed; the message says how to install it.
        """

    @abstractmethod
    def generate_cert(self, localhost: str) -> tls_library.SSLContext:
        """Return a context with the certificate; create the certificate if it does not exist.

        Args:
            localhost: its host name; it also contains 127.0.0.1 and ::1.

        Raises:
            SanicException: it cannot be created.
            ValueError: the existing certificate cannot be used.
        """

    @staticmethod
    def select(
        app: Any,
        cert_creator: LocalCertCreator,
        local_tls_key: Path | str | Default,
        local_tls_cert: Path | str | Default,
    ) -> CertCreator:
        """Return the creator, after a check that it is installed.

        Args:
            app: the application.
            cert_creator: the kind of creator; `AUTO` tries mkcert first.
            local_tls_key: the path of the key.
            local_tls_cert: the path of the certificate.

        Raises:
            SanicException: it is not installed.
        """
        paths = (local_tls_key, local_tls_cert)
        if cert_creator is not LocalCertCreator.AUTO:
            chosen: CertCreator = MkcertCreator(app, *paths)
            if cert_creator is LocalCertCreator.TRUSTME:
                chosen = TrustmeCreator(app, *paths)
            chosen.check_supported()
            return chosen
        for creator in (MkcertCreator(app, *paths), TrustmeCreator(app, *paths)):
            # Try the next creator if one is not installed.
            with suppress(SanicException):
                creator.check_supported()
                return creator
        raise SanicException(
            "Sanic could not find package to create a TLS certificate: install mkcert, or the package trustme."
        )

    def _path(self, path: Path | str | Default, default: str) -> Path:
        if not isinstance(path, Default):
            return Path(path)
        if self.tmpdir is None:
            self.tmpdir = Path(tempfile.mkdtemp(prefix="sanic_star-tls-"))
            # The key is useless after the server has ended.
            atexit.register(shutil.rmtree, self.tmpdir, ignore_errors=True)
        return self.tmpdir / default

    def _must_be_made(self) -> bool:
        """Return whether there is no certificate yet.

        Raises:
            ValueError: only one of the two files exists; it must not be overwritten.
        """
        missing = [path for path in (self.cert_path, self.key_path) if not path.exists()]
        if len(missing) == 1:
            raise ValueError(f"LOCAL_TLS_CERT and LOCAL_TLS_KEY go together: {missing[0]} is not found")
        return bool(missing)

    def _context(self, localhost: str) -> tls_library.SSLContext:
        return CertSimple(
            self.cert_path,
            self.key_path,
            password=self.app.config.TLS_CERT_PASSWORD or None,
            creator=self.NAME,
            localhost=localhost,
        )


class MkcertCreator(CertCreator):
    """Creates the certificate with the program mkcert."""

    NAME = "mkcert"

    def check_supported(self) -> None:
        """Check that the program runs.

        Raises:
            SanicException: it does not run.
        """
        try:
            subprocess.run(["mkcert", "-help"], check=True, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        except Exception as error:
            raise SanicException(
                "Sanic is attempting to use mkcert, which is not installed: install it, or set LOCAL_CERT_CREATOR to "
                "'trustme'."
            ) from error

    def generate_cert(self, localhost: str) -> tls_library.SSLContext:
        """Return a context with the certificate; see `CertCreator.generate_cert`.

        Args:
            localhost: the host name of the certificate.
        """
        if self._must_be_made():
            files = ["-key-file", str(self.key_path), "-cert-file", str(self.cert_path)]
            command = ["mkcert", *files, localhost, "127.0.0.1", "::1"]
            completed = subprocess.run(command, check=False, capture_output=True, text=True)
            if isinstance(completed.returncode, int) and completed.returncode:
                raise SanicException(f"mkcert could not make a certificate for {localhost}: {completed.stderr.strip()}")
        return self._context(localhost)


class TrustmeCreator(CertCreator):
    """Creates the certificate, and an authority that signs it, with the package trustme; no browser trusts it."""

    NAME = "trustme"

    def check_supported(self) -> None:
        """Check that the package is installed.

        Raises:
            SanicException: it is not.
        """
        if not TRUSTME_INSTALLED:
            raise SanicException(
                "Sanic is attempting to use trustme, which is not installed: `pip install trustme`, or set "
                "LOCAL_CERT_CREATOR to 'mkcert'."
            )

    def generate_cert(self, localhost: str) -> tls_library.SSLContext:
        """Return a context with the certificate; see `CertCreator.generate_cert`.

        Args:
            localhost: the host name of the certificate.
        """
        if self._must_be_made():
            library = trustme or import_module("trustme")
            certificate = library.CA().issue_cert(localhost, "127.0.0.1", "::1")
            # Created readable only by this user, before anything is written.
            os.close(os.open(self.key_path, os.O_WRONLY | os.O_CREAT, 0o600))
            certificate.private_key_pem.write_to_path(str(self.key_path))
            for number, part in enumerate(certificate.cert_chain_pems):
                part.write_to_path(str(self.cert_path), append=number > 0)
        return self._context(localhost)


__all__ = ["CertCreator", "MkcertCreator", "TrustmeCreator", "get_ssl_context"]
