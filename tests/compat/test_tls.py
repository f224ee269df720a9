"""Certificates: which one a client gets, and what makes one for development. Handshakes are real, over memory."""

from __future__ import annotations

import contextlib
import shutil
import ssl
import sys
from pathlib import Path
from typing import Any

import pytest
import trustme

from sanic_star.compat._serving import tls as _tls
from sanic_star.compat.config import Config
from sanic_star.compat.constants import LocalCertCreator
from sanic_star.compat.exceptions import SanicException
from sanic_star.servers.settings import TLS

AUTHORITY = trustme.CA()


def certificate(folder: Path, *names: str, password: str = "") -> Path:
    """Make a directory as certbot makes it."""
    folder.mkdir()
    made = AUTHORITY.issue_cert(*names)
    key = made.private_key_pem.bytes()
    if password:
        from cryptography.hazmat.primitives import serialization as forms

        plain = forms.load_pem_private_key(key, None)
        locked = forms.BestAvailableEncryption(password.encode())
        key = plain.private_bytes(forms.Encoding.PEM, forms.PrivateFormat.PKCS8, locked)
    (folder / "privkey.pem").write_bytes(key)
    (folder / "fullchain.pem").write_bytes(b"".join(each.bytes() for each in made.cert_chain_pems))
    return folder


def handshake(tls: TLS | None, name: str | None, trust: trustme.CA | None = AUTHORITY) -> list[str]:
    """Return the names in the certificate that a client gets that asks for a name."""
    assert tls is not None
    ours = ssl.create_default_context()
    ours.check_hostname = False
    if trust is None:
        ours.verify_mode = ssl.CERT_NONE
    else:
        trust.configure_trust(ours)
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = ours.wrap_bio(down, up, server_hostname=name)
    server = tls.make().wrap_bio(up, down, server_side=True)
    for _ in range(2):
        with contextlib.suppress(ssl.SSLWantReadError):
            client.do_handshake()
        # What the server refuses, the client is told.
        with contextlib.suppress(ssl.SSLError):
            server.do_handshake()
    found: Any = client.getpeercert() or {}
    return [value for _, value in found.get("subjectAltName", ())]


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ("shop.example", "shop.example"),
        ("SHOP.example", "shop.example"),
        ("a.wild.example", "*.wild.example"),
        ("wild.example", "*.wild.example"),
        ("a.b.wild.example", "shop.example"),
        ("unknown.example", "shop.example"),
        (None, "shop.example"),
    ],
)
def test_the_name_that_is_asked_for_chooses(tmp_path: Path, asked: str | None, given: str) -> None:
    first = certificate(tmp_path / "first", "shop.example")
    second = certificate(tmp_path / "second", "*.wild.example", "wild.example")
    assert given in handshake(_tls.read([first, second]), asked)


def test_strictly_nobody_else_is_answered(tmp_path: Path) -> None:
    folder = certificate(tmp_path / "only", "shop.example")
    tls = _tls.read([None, folder])
    assert handshake(tls, "shop.example") == ["shop.example"]
    for name in ("other.example", None):
        with pytest.raises(ssl.SSLError, match=r"(?i)unrecognized"):
            handshake(tls, name)


def test_a_list_takes_all_forms(tmp_path: Path) -> None:
    one, two = certificate(tmp_path / "one", "one.example"), certificate(tmp_path / "two", "two.example")
    locked = certificate(tmp_path / "locked", "locked.example", password="1234")
    paths = {"cert": two / "fullchain.pem", "key": two / "privkey.pem"}
    secret = {"certfile": locked / "fullchain.pem", "keyfile": locked / "privkey.pem", "password": "1234"}
    tls = _tls.read([str(one), paths, secret])
    for name in ("one.example", "two.example", "locked.example"):
        assert handshake(tls, name) == [name]
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(two / "fullchain.pem", two / "privkey.pem")
    assert handshake(_tls.read([context, one]), "one.example") == ["one.example"]
    assert handshake(_tls.read([context, one]), "two.example") == ["two.example"]


def test_the_password_of_a_key(tmp_path: Path) -> None:
    locked = certificate(tmp_path / "locked", "locked.example", password="1234")
    assert handshake(_tls.read(locked, "1234"), None) == ["locked.example"]
    for wrong in (None, "4321"):
        with pytest.raises(ValueError, match="can't be used"):
            _tls.read(locked, wrong)


def test_what_is_no_certificate(tmp_path: Path) -> None:
    folder = certificate(tmp_path / "broken", "a.example")
    (folder / "fullchain.pem").write_text("nothing")
    with pytest.raises(ValueError, match=r"fullchain\.pem .*can't be used"):
        _tls.read(folder)
    for wrong, words in (([{}], "without cert and key"), ([], "empty"), ([None], "without a cert"), (5, "ssl= takes")):
        with pytest.raises(ValueError, match=words):
            _tls.read(wrong)
    assert _tls.read(None) is None


# For development ----------------------------------------------------------------------------------------------------


def local(**settings: Any) -> Config:
    config = Config()
    config.update(settings)
    return config


def test_trustme_makes_one_for_localhost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    for creator in (LocalCertCreator.AUTO, LocalCertCreator.TRUSTME):
        made = _tls.local(local(LOCAL_CERT_CREATOR=creator, LOCALHOST="dev.localhost"), debug=True)
        assert made.cert is not None
        assert set(_tls._facts(made.cert, made.make())["names"]) == {"dev.localhost", "127.0.0.1", "0:0:0:0:0:0:0:1"}
        handshake(made, "dev.localhost", trust=None)


def test_mkcert_makes_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = certificate(tmp_path / "source", "dev.localhost")
    program = tmp_path / "mkcert"
    program.write_text(
        f"#!{sys.executable}\nimport shutil, sys\n"
        "assert sys.argv[1::2][:2] == ['-cert-file', '-key-file'], sys.argv\n"
        "assert sys.argv[5:] == ['dev.localhost', '127.0.0.1', '::1'], sys.argv\n"
        f"shutil.copy({str(source / 'fullchain.pem')!r}, sys.argv[2])\n"
        f"shutil.copy({str(source / 'privkey.pem')!r}, sys.argv[4])\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    for creator in (LocalCertCreator.AUTO, LocalCertCreator.MKCERT):
        made = _tls.local(local(LOCAL_CERT_CREATOR=creator, LOCALHOST="dev.localhost"), debug=True)
        assert handshake(made, "dev.localhost") == ["dev.localhost"]


def test_mkcert_that_fails_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "mkcert"
    program.write_text(f"#!{sys.executable}\nimport sys\nsys.exit('no authority here')\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SanicException, match="no authority here"):
        _tls.local(local(), debug=True)


def test_nothing_could_make_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(SanicException, match="needs mkcert"):
        _tls.local(local(LOCAL_CERT_CREATOR=LocalCertCreator.MKCERT), debug=True)
    monkeypatch.setattr(_tls, "find_spec", lambda name: None)
    with pytest.raises(SanicException, match="needs mkcert, or"):
        _tls.local(local(), debug=True)


def test_a_certificate_of_ones_own_for_development(tmp_path: Path) -> None:
    folder = certificate(tmp_path / "own", "own.example")
    settings = {"LOCAL_TLS_CERT": folder / "fullchain.pem", "LOCAL_TLS_KEY": str(folder / "privkey.pem")}
    assert handshake(_tls.local(local(**settings), debug=True), "own.example") == ["own.example"]
    settings["LOCAL_TLS_CERT"] = tmp_path / "gone.pem"
    with pytest.raises(ValueError, match=r"gone\.pem"):
        _tls.local(local(**settings), debug=True)
    with pytest.raises(SanicException, match="debug mode"):
        _tls.local(local(**settings), debug=False)


@pytest.mark.parametrize("latest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_names_are_read_where_the_standard_library_has_no_function_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, latest: ssl.TLSVersion
) -> None:
    folder = certificate(tmp_path / "two", "one.test", "*.two.test")
    tls = _tls.read(folder)
    assert tls is not None
    assert tls.cert is not None
    context = tls.make()
    context.maximum_version = latest
    by_function = _tls._facts(tls.cert, context)
    monkeypatch.delattr(ssl, "_ssl")
    assert _tls._facts(tls.cert, context) == by_function
    assert by_function["names"] == ["one.test", "*.two.test"]
