"""Certificates, in all the ways in which `ssl=` takes them: a context, paths, a directory, one for each name."""

from __future__ import annotations

import atexit
import contextlib
import os
import shutil
import ssl
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from sanic_star.compat._app.registry import applications, find_application
from sanic_star.compat.config import Config
from sanic_star.compat.constants import DEFAULT_LOCAL_TLS_CERT, DEFAULT_LOCAL_TLS_KEY, LocalCertCreator
from sanic_star.compat.exceptions import SanicException
from sanic_star.servers.settings import TLS

# The names that certbot gives the files of a certificate.
DIRECTORY = ("fullchain.pem", "privkey.pem")


def read(definition: Any, password: str | None = None) -> TLS | None:
    """Return what `ssl=` means, and make sure that it can be read.

    Args:
        definition: a context; a directory with `fullchain.pem` and `privkey.pem`; a mapping with `cert`, `key` and
            perhaps `password`; the paths of certificate and key; or a list of such things, of which the client's
            wish (SNI) chooses one, and the first where it wishes none of them.
        password: of keys that don't say.

    Raises:
        ValueError: it is none of these, or a file can't be read.
    """
    if definition is None:
        return None
    if isinstance(definition, (list, tuple)) and not _is_pair(definition):
        return TLS(_checked(partial(_choose, tuple(definition), password)))
    if isinstance(definition, ssl.SSLContext):
        return TLS(partial(_same, definition))
    cert, key, own = _paths(definition)
    return TLS(_checked(partial(_load, cert, key, own or password)), cert, key, own or password)


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

    def load(self, app: Any) -> ssl.SSLContext | None:
        """Return the TLS context, `None` where no certificate was given.

        Args:
            app: the application; the password of a key may be in `TLS_CERT_PASSWORD`.

        Raises:
            ValueError: the certificate can't be read.
        """
        found = read(self._ssl_data, app.config.TLS_CERT_PASSWORD or None)
        return None if found is None else found.make()


def read_by_loader(loader_class: type[Any], definition: Any, app: Any) -> TLS | None:
    """Return the certificate that a loader of the user's finds: `Sanic(certloader_class=…)`.

    Args:
        loader_class: derived from `CertLoader`; each process makes a loader of its own.
        definition: what `ssl=` has, for the loader.
        app: the application, for the loader.

    Raises:
        ValueError: the loader returns no context.
    """
    context = loader_class(definition).load(app)
    if context is None and definition is None:
        return None
    if not isinstance(context, ssl.SSLContext):
        raise ValueError(f"{loader_class.__name__}.load() returned {context!r}: it should return an SSLContext")
    return TLS(partial(_load_by, loader_class, definition, app.name))


def _load_by(loader_class: type[Any], definition: Any, name: str) -> ssl.SSLContext:
    # A worker has loaded its copy of the application before.
    context: ssl.SSLContext = loader_class(definition).load(find_application(name, applications))
    return context


def _is_pair(definition: Sequence[Any]) -> bool:
    """Tell the paths of a certificate and its key from two directories."""
    return len(definition) == 2 and all(
        isinstance(each, (str, os.PathLike)) and not os.path.isdir(each) for each in definition
    )


def _paths(definition: Any) -> tuple[str, str, str | None]:
    if isinstance(definition, (list, tuple)):
        return os.fspath(definition[0]), os.fspath(definition[1]), None
    if isinstance(definition, (str, os.PathLike)):
        folder = os.fspath(definition)
        return os.path.join(folder, DIRECTORY[0]), os.path.join(folder, DIRECTORY[1]), None
    if isinstance(definition, dict):
        found = {key.removesuffix("file"): value for key, value in definition.items() if value is not None}
        if missing := {"cert", "key"} - set(found):
            raise ValueError(f"ssl= is a mapping without {' and '.join(sorted(missing))}")
        return os.fspath(found["cert"]), os.fspath(found["key"]), found.get("password")
    raise ValueError(
        f"ssl= takes a directory, a mapping with cert and key, a pair of paths or an SSLContext, got {definition!r}"
    )


def _checked(make: Callable[[], ssl.SSLContext]) -> Callable[[], ssl.SSLContext]:
    make()
    return make


def _same(context: ssl.SSLContext) -> ssl.SSLContext:
    return context


def _load(cert: str, key: str, password: str | None) -> ssl.SSLContext:
    for path in (key, cert):
        if not os.access(path, os.R_OK):
            raise ValueError(f"Certificate not found or permission denied {path}")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    # RFC 8996 has done away with what is older.
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    try:
        # An empty one: OpenSSL would ask for it on the terminal, and wait.
        context.load_cert_chain(cert, key, password or "")
    except ssl.SSLError as error:
        raise ValueError(f"Certificate {cert} with key {key} can't be used: {error}") from None
    context.sni_callback = _keep_name
    # Where `ConnInfo` looks for it.
    context.sanic = {**_facts(cert, context), "cert": cert, "key": key}  # type: ignore[attr-defined]
    return context


def _keep_name(connection: ssl.SSLObject, name: str | None, context: ssl.SSLContext) -> None:
    """Keep the name that the client asks for: the module `ssl` forgets it on the server's side."""
    connection.sanic_server_name = name or ""  # type: ignore[attr-defined]


def _choose(definitions: Sequence[Any], password: str | None) -> ssl.SSLContext:
    """Return a context that answers with the certificate of the name that the client asks for."""
    if not definitions:
        raise ValueError("ssl= is an empty list")
    contexts: list[ssl.SSLContext] = []
    by_name: dict[str, ssl.SSLContext] = {}
    for each in definitions:
        if each is None:
            continue
        tls = read(each, password)
        assert tls is not None
        contexts.append(tls.make())
        for name in getattr(contexts[-1], "sanic", {}).get("names", ()):
            by_name.setdefault(name.lower(), contexts[-1])
    if not contexts:
        raise ValueError("ssl= is a list without a certificate")

    def chosen(connection: ssl.SSLObject, name: str | None, first: ssl.SSLContext) -> int | None:
        _keep_name(connection, name, first)
        wanted = (name or "").lower()
        found = by_name.get(wanted) or by_name.get("*." + wanted.partition(".")[2])
        if found is not None:
            connection.context = found
        elif definitions[0] is None:
            return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME  # None at the head: nobody else is answered
        return None

    front = contexts[0]
    front.sni_callback = chosen
    return front


def _facts(cert: str, context: ssl.SSLContext) -> dict[str, Any]:
    """Return the fields of a certificate's subject, and as `names` what it is for, as `ConnInfo.cert` has them.

    Args:
        cert: the path of its file.
        context: has the certificate and its key loaded.
    """
    # A private function of the standard library: where a Python does not have it, a handshake shows the certificate.
    decode: Callable[[str], dict[str, Any]] | None = getattr(getattr(ssl, "_ssl", None), "_test_decode_cert", None)
    decoded = decode(cert) if decode is not None else _as_client_sees(cert, context)
    subject = {name: value for part in decoded.get("subject", ()) for name, value in part}
    alternative = decoded.get("subjectAltName", ())
    return {**subject, "names": [value for kind, value in alternative if kind in ("DNS", "IP Address")]}


# OpenSSL's X509_V_FLAG_NO_CHECK_TIME, which the module `ssl` has no name for: an expired certificate has names too.
_ANY_TIME = 0x200000


def _as_client_sees(cert: str, context: ssl.SSLContext) -> dict[str, Any]:
    """Return the fields of the certificate that `context` shows, by a TLS handshake in memory.

    Raises:
        ssl.SSLError: the certificate is not one for servers.
    """
    trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusting.check_hostname = False
    trusting.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN | _ANY_TIME
    trusting.load_verify_locations(cert)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = context.wrap_bio(to_server, to_client, server_side=True)
    client = trusting.wrap_bio(to_client, to_server)
    # TLS 1.2 takes two rounds, TLS 1.3 one and a half.
    for side in (client, server) * 3:
        with contextlib.suppress(ssl.SSLWantReadError):
            side.do_handshake()
    return dict(client.getpeercert() or {})


# Certificates for development ---------------------------------------------------------------------------------------


def local(config: Config, debug: bool) -> TLS:
    """Return a certificate for this machine's own name, made if need be by mkcert or trustme.

    Args:
        config: says where it is (`LOCAL_TLS_CERT`, `LOCAL_TLS_KEY`), what it is for and what makes it.
        debug: whether the application is developed; otherwise nobody should trust it.

    Raises:
        SanicException: it is not debug mode, or nothing is there that could make one.
    """
    if not debug:
        raise SanicException(
            "Outside of debug mode HTTPS needs a certificate: give ssl=…, or dev=True to have one made for localhost."
        )
    given = (config.LOCAL_TLS_CERT, config.LOCAL_TLS_KEY)
    if all(isinstance(each, (str, Path)) for each in given):
        found = read(given, config.TLS_CERT_PASSWORD)
    else:
        folder = Path(tempfile.mkdtemp(prefix="sanic_star-tls-"))
        # The key is of use to nobody when the server has ended.
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        cert, key = folder / DEFAULT_LOCAL_TLS_CERT, folder / DEFAULT_LOCAL_TLS_KEY
        _make(config.LOCAL_CERT_CREATOR, config.LOCALHOST, cert, key)
        found = read((cert, key))
    assert found is not None
    return found


def _make(creator: Any, host: str, cert: Path, key: Path) -> None:
    if creator in (LocalCertCreator.AUTO, LocalCertCreator.MKCERT) and (mkcert := shutil.which("mkcert")):
        command = [mkcert, "-cert-file", str(cert), "-key-file", str(key), host, "127.0.0.1", "::1"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SanicException(f"mkcert could not make a certificate for {host}: {done.stderr.strip()}")
        return
    if creator in (LocalCertCreator.AUTO, LocalCertCreator.TRUSTME) and find_spec("trustme"):
        made = import_module("trustme").CA().issue_cert(host, "127.0.0.1", "::1")
        made.private_key_pem.write_to_path(key)
        for number, part in enumerate(made.cert_chain_pems):
            part.write_to_path(cert, append=number > 0)
        return
    raise SanicException("A certificate for localhost needs mkcert, or the package trustme; neither is installed.")
