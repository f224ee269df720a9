"""The values of `ssl=`: a context, paths, a directory, a mapping, or a list of these with one certificate per name."""

from __future__ import annotations

import contextlib
import os
import ssl
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from sanic_star.compat._app.registry import applications, find_application
from sanic_star.compat.log import logger
from sanic_star.servers.settings import TLS

# The names of certificate and key in a directory; certbot uses them.
CERTIFICATE_FILES = ("fullchain.pem", "privkey.pem")


def read(definition: Any, password: str | None = None) -> TLS | None:
    """Return the TLS settings of `ssl=`, after checking that the certificates can be loaded.

    Args:
        definition: a context; a directory with `fullchain.pem` and `privkey.pem`; a mapping with `cert`, `key` and
            optionally `password`; the paths of certificate and key; or a list of these. The client's server name (SNI)
            selects a member of the list, by default the first.
        password: the default password of keys.

    Raises:
        ValueError: the definition is invalid, or a file cannot be read.
    """
    if definition is None:
        return None
    if isinstance(definition, (list, tuple)) and not _is_path_pair(definition):
        make_context = partial(_make_choosing_context, tuple(definition), password)
        logger.info("Certificate vhosts: %s", ", ".join(getattr(make_context(), "sanic_vhosts", ())))
        return TLS(make_context)
    if isinstance(definition, ssl.SSLContext):
        return TLS(partial(_return_context, definition))
    cert, key, own_password = _certificate_paths(definition)
    key_password = own_password or password
    return TLS(_checked(partial(_load_context, cert, key, key_password)), cert, key, key_password)


def read_by_loader(loader_class: type[Any], definition: Any, app: Any) -> TLS | None:
    """Return the TLS settings of a user's certificate loader: `Sanic(certloader_class=…)`.

    Args:
        loader_class: a subclass of `CertLoader`; each process creates its own loader.
        definition: the value of `ssl=`, for the loader.
        app: the application, for the loader.

    Raises:
        ValueError: the loader returns no context.
    """
    context = loader_class(definition).load(app)
    if context is None and definition is None:
        return None
    if not isinstance(context, ssl.SSLContext):
        raise ValueError(f"{loader_class.__name__}.load() returned {context!r}: it should return an SSLContext")
    return TLS(partial(_load_with_loader, loader_class, definition, app.name))


def _load_with_loader(loader_class: type[Any], definition: Any, name: str) -> ssl.SSLContext:
    # A worker has already loaded its copy of the application.
    context: ssl.SSLContext = loader_class(definition).load(find_application(name, applications))
    return context


def _is_path_pair(definition: Sequence[Any]) -> bool:
    """Return whether `definition` has the paths of a certificate and its key, not of two directories."""
    return len(definition) == 2 and all(
        isinstance(path, (str, os.PathLike)) and not os.path.isdir(path) for path in definition
    )


def _certificate_paths(definition: Any) -> tuple[str, str, str | None]:
    if isinstance(definition, (list, tuple)):
        return os.fspath(definition[0]), os.fspath(definition[1]), None
    if isinstance(definition, (str, os.PathLike)):
        folder = os.fspath(definition)
        if os.path.isfile(folder):
            raise ValueError(
                f"ssl=: folder expected, with {CERTIFICATE_FILES[0]} and {CERTIFICATE_FILES[1]}, but {folder} is a "
                "file. For files, pass a mapping with cert and key."
            )
        return os.path.join(folder, CERTIFICATE_FILES[0]), os.path.join(folder, CERTIFICATE_FILES[1]), None
    if isinstance(definition, dict):
        matching = {key.removesuffix("file"): value for key, value in definition.items() if value is not None}
        if missing := {"cert", "key"} - set(matching):
            raise ValueError(f"ssl= is a mapping without {' and '.join(sorted(missing))}")
        return os.fspath(matching["cert"]), os.fspath(matching["key"]), matching.get("password")
    raise ValueError(
        "Invalid ssl argument: expected a directory, a mapping with cert and key, a pair of paths or an SSLContext, "
        f"got {definition!r}"
    )


def _checked(make_context: Callable[[], ssl.SSLContext]) -> Callable[[], ssl.SSLContext]:
    """Call the function once, so that an invalid certificate raises now, and return the function."""
    make_context()
    return make_context


def _return_context(context: ssl.SSLContext) -> ssl.SSLContext:
    return context


def _load_context(cert: str, key: str, password: str | None) -> ssl.SSLContext:
    for path in (key, cert):
        if not os.access(path, os.R_OK):
            raise ValueError(f"Certificate not found or permission denied {path}")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    # RFC 8996 deprecates older versions.
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    try:
        # Never `None`, because OpenSSL would ask for a password on the terminal and wait.
        context.load_cert_chain(cert, key, password or "")
    except ssl.SSLError as error:
        raise ValueError(f"Certificate {cert} with key {key} can't be used: {error}") from None
    context.sni_callback = _keep_name
    # Read by `ConnInfo`.
    context.sanic = {**_certificate_fields(cert, context), "cert": cert, "key": key}  # type: ignore[attr-defined]
    return context


def _keep_name(connection: ssl.SSLObject, name: str | None, context: ssl.SSLContext) -> None:
    """Store the server name that the client requests: the module `ssl` does not keep it on the server side."""
    connection.sanic_server_name = name or ""  # type: ignore[attr-defined]


def _make_choosing_context(definitions: Sequence[Any], password: str | None) -> ssl.SSLContext:
    """Return a context that selects the certificate by the server name that the client requests."""
    if not definitions:
        raise ValueError("No certificates: ssl= is an empty list")
    contexts: list[ssl.SSLContext] = []
    by_name: dict[str, ssl.SSLContext] = {}
    names: list[str] = []
    for definition in definitions:
        if definition is None:
            continue
        tls = read(definition, password)
        assert tls is not None
        contexts.append(tls.make())
        for name in getattr(contexts[-1], "sanic", {}).get("names", ()):
            names.append(name)
            by_name.setdefault(name.lower(), contexts[-1])
    if not contexts:
        raise ValueError("No certificates: ssl= is a list of None")

    def choose_context(connection: ssl.SSLObject, name: str | None, default_context: ssl.SSLContext) -> int | None:
        _keep_name(connection, name, default_context)
        server_name = (name or "").lower()
        matching = by_name.get(server_name) or by_name.get("*." + server_name.partition(".")[2])
        if matching is not None:
            connection.context = matching
        elif definitions[0] is None:
            return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME  # `None` as first member refuses all other names
        return None

    default_context = contexts[0]
    default_context.sni_callback = choose_context
    default_context.sanic_vhosts = list(dict.fromkeys(names))  # type: ignore[attr-defined]
    return default_context


def _certificate_fields(cert: str, context: ssl.SSLContext) -> dict[str, Any]:
    """Return the fields of a certificate's subject and its names (`names`), for `ConnInfo.cert`.

    Args:
        cert: the path of its file.
        context: a context that has loaded the certificate and its key.
    """
    # A private function of the standard library. If it is missing, a handshake returns the certificate.
    decode: Callable[[str], dict[str, Any]] | None = getattr(getattr(ssl, "_ssl", None), "_test_decode_cert", None)
    decoded = decode(cert) if decode is not None else _decode_by_handshake(cert, context)
    subject = {name: value for part in decoded.get("subject", ()) for name, value in part}
    alternative_names = decoded.get("subjectAltName", ())
    return {**subject, "names": [value for kind, value in alternative_names if kind in ("DNS", "IP Address")]}


# X509_V_FLAG_NO_CHECK_TIME of OpenSSL, which the module `ssl` does not define. The names of expired certificates are
# read, too.
_IGNORE_DATES = 0x200000


def _decode_by_handshake(cert: str, context: ssl.SSLContext) -> dict[str, Any]:
    """Return the fields of the certificate of `context`, from a TLS handshake in memory.

    Raises:
        ssl.SSLError: the certificate is not valid for servers.
    """
    client_context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client_context.check_hostname = False
    client_context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN | _IGNORE_DATES
    client_context.load_verify_locations(cert)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = context.wrap_bio(to_server, to_client, server_side=True)
    client = client_context.wrap_bio(to_client, to_server)
    # TLS 1.2 needs two round trips, TLS 1.3 one and a half.
    for side in (client, server) * 3:
        with contextlib.suppress(ssl.SSLWantReadError):
            side.do_handshake()
    return dict(client.getpeercert() or {})
