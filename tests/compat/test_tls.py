"""Certificates: which one a client gets, and creation for development. Handshakes are real, in memory."""

from __future__ import annotations

import contextlib
import logging
import ssl
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trustme

from sanic_star import Sanic
from sanic_star.compat._serving import tls as _tls
from sanic_star.compat.constants import LocalCertCreator
from sanic_star.compat.exceptions import SanicException
from sanic_star.compat.http.tls import creators
from sanic_star.compat.http.tls.creators import TrustmeCreator, local_tls
from sanic_star.compat.worker.loader import CertLoader
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
    (folder / "fullchain.pem").write_bytes(b"".join(certificate.bytes() for certificate in made.cert_chain_pems))
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
        # The client gets an alert when the server refuses the handshake.
        with contextlib.suppress(ssl.SSLError):
            server.do_handshake()
    peer_certificate: Any = client.getpeercert() or {}
    return [value for _, value in peer_certificate.get("subjectAltName", ())]


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
def test_the_requested_name_selects_the_certificate(tmp_path: Path, asked: str | None, given: str) -> None:
    first = certificate(tmp_path / "first", "shop.example")
    second = certificate(tmp_path / "second", "*.wild.example", "wild.example")
    assert given in handshake(_tls.read([first, second]), asked)


def test_a_strict_list_refuses_unknown_hosts(tmp_path: Path) -> None:
    folder = certificate(tmp_path / "only", "shop.example")
    tls = _tls.read([None, folder])
    assert handshake(tls, "shop.example") == ["shop.example"]
    for name in ("other.example", None):
        with pytest.raises(ssl.SSLError, match=r"(?i)unrecognized"):
            handshake(tls, name)


def test_a_list_takes_all_forms(tmp_path: Path) -> None:
    first, second = certificate(tmp_path / "one", "one.example"), certificate(tmp_path / "two", "two.example")
    locked = certificate(tmp_path / "locked", "locked.example", password="1234")
    paths = {"cert": second / "fullchain.pem", "key": second / "privkey.pem"}
    secret = {"certfile": locked / "fullchain.pem", "keyfile": locked / "privkey.pem", "password": "1234"}
    tls = _tls.read([str(first), paths, secret])
    for name in ("one.example", "two.example", "locked.example"):
        assert handshake(tls, name) == [name]
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(second / "fullchain.pem", second / "privkey.pem")
    assert handshake(_tls.read([context, first]), "one.example") == ["one.example"]
    assert handshake(_tls.read([context, first]), "two.example") == ["two.example"]


def test_the_password_of_a_key(tmp_path: Path) -> None:
    locked = certificate(tmp_path / "locked", "locked.example", password="1234")
    assert handshake(_tls.read(locked, "1234"), None) == ["locked.example"]
    for wrong in (None, "4321"):
        with pytest.raises(ValueError, match="can't be used"):
            _tls.read(locked, wrong)


def test_invalid_certificates_are_refused(tmp_path: Path) -> None:
    folder = certificate(tmp_path / "broken", "a.example")
    (folder / "fullchain.pem").write_text("nothing")
    with pytest.raises(ValueError, match=r"fullchain\.pem .*can't be used"):
        _tls.read(folder)
    wrongs: list[tuple[Any, str]] = [
        ([{}], "without cert and key"),
        ({"cert": None, "key": None}, "without cert and key"),
        ([], "No certificates"),
        ([None], "No certificates"),
        (5, "Invalid ssl argument"),
        (False, "Invalid ssl argument"),
        ([b""], "Invalid ssl argument"),
        (folder / "fullchain.pem", r"folder expected.*fullchain\.pem"),
        ([str(folder / "fullchain.pem")], r"folder expected.*fullchain\.pem"),
    ]
    for wrong, words in wrongs:
        with pytest.raises(ValueError, match=words):
            _tls.read(wrong)
    assert _tls.read(None) is None


# For development ----------------------------------------------------------------------------------------------------


@pytest.fixture
def local(request: pytest.FixtureRequest) -> Callable[..., TLS]:
    """Return the certificate for development of an application with some settings."""

    def make(debug: bool = True, **settings: Any) -> TLS:
        app = Sanic("Local", debug=debug)
        app.config.update(settings)
        return local_tls(app)

    return make


@pytest.fixture
def no_mkcert(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))


@pytest.fixture
def mkcert(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], None]:
    """Install a program called mkcert that runs some code, except for `mkcert -help`."""

    def install(code: str) -> None:
        program = tmp_path / "mkcert"
        begin = "import shutil, sys\nif sys.argv[1:] == ['-help']: sys.exit()"
        program.write_text(f"#!{sys.executable}\n{begin}\n{code}\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path))

    return install


@pytest.mark.usefixtures("no_mkcert")
@pytest.mark.parametrize("creator", [LocalCertCreator.AUTO, LocalCertCreator.TRUSTME, "trustme"])
def test_trustme_makes_one_for_localhost(local: Callable[..., TLS], creator: Any) -> None:
    made = local(LOCAL_CERT_CREATOR=creator, LOCALHOST="dev.localhost")
    assert made.cert is not None
    assert set(_tls._certificate_fields(made.cert, made.make())["names"]) == {
        "dev.localhost",
        "127.0.0.1",
        "0:0:0:0:0:0:0:1",
    }
    handshake(made, "dev.localhost", trust=None)
    assert made.key is not None
    if sys.platform != "win32":
        assert stat.S_IMODE(Path(made.key).stat().st_mode) == 0o600


@pytest.mark.parametrize("creator", [LocalCertCreator.AUTO, LocalCertCreator.MKCERT, "mkcert"])
def test_mkcert_makes_one(
    local: Callable[..., TLS], mkcert: Callable[[str], None], tmp_path: Path, creator: Any
) -> None:
    source = certificate(tmp_path / "source", "dev.localhost")
    mkcert(
        "assert sys.argv[1:6:2] == ['-key-file', '-cert-file', 'dev.localhost'], sys.argv\n"
        "assert sys.argv[6:] == ['127.0.0.1', '::1'], sys.argv\n"
        f"shutil.copy({str(source / 'privkey.pem')!r}, sys.argv[2])\n"
        f"shutil.copy({str(source / 'fullchain.pem')!r}, sys.argv[4])"
    )
    made = local(LOCAL_CERT_CREATOR=creator, LOCALHOST="dev.localhost")
    assert handshake(made, "dev.localhost") == ["dev.localhost"]


def test_a_failing_mkcert_shows_its_output(local: Callable[..., TLS], mkcert: Callable[[str], None]) -> None:
    mkcert("sys.exit('no authority here')")
    with pytest.raises(SanicException, match="no authority here"):
        local()


@pytest.mark.usefixtures("no_mkcert")
def test_nothing_could_make_one(local: Callable[..., TLS], monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SanicException, match="attempting to use mkcert"):
        local(LOCAL_CERT_CREATOR=LocalCertCreator.MKCERT)
    monkeypatch.setattr(creators, "TRUSTME_INSTALLED", False)
    with pytest.raises(SanicException, match="attempting to use trustme"):
        local(LOCAL_CERT_CREATOR=LocalCertCreator.TRUSTME)
    with pytest.raises(SanicException, match="could not find package"):
        local()


def test_a_custom_development_certificate(local: Callable[..., TLS], tmp_path: Path) -> None:
    folder = certificate(tmp_path / "own", "own.example")
    settings = {"LOCAL_TLS_CERT": folder / "fullchain.pem", "LOCAL_TLS_KEY": str(folder / "privkey.pem")}
    assert handshake(local(**settings), "own.example") == ["own.example"]
    # The key that is there is not overwritten.
    settings["LOCAL_TLS_CERT"] = tmp_path / "gone.pem"
    with pytest.raises(ValueError, match=r"gone\.pem"):
        local(**settings)
    with pytest.raises(SanicException, match="PRODUCTION mode"):
        local(debug=False, **settings)


@pytest.mark.usefixtures("no_mkcert")
def test_a_certificate_is_created_in_its_folder(
    local: Callable[..., TLS], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = {"LOCAL_TLS_CERT": "dev-cert.pem", "LOCAL_TLS_KEY": tmp_path / "dev-key.pem"}
    local(**settings)
    made = (tmp_path / "dev-cert.pem").read_bytes()
    # Nothing is needed to use it again.
    monkeypatch.setattr(creators, "TRUSTME_INSTALLED", False)
    again = local(**settings)
    assert (again.cert, (tmp_path / "dev-cert.pem").read_bytes()) == ("dev-cert.pem", made)
    with pytest.raises(FileNotFoundError):
        TrustmeCreator(Sanic("Nowhere"), tmp_path / "no" / "key.pem", tmp_path / "no" / "cert.pem").generate_cert("a")


@pytest.mark.usefixtures("no_mkcert")
def test_a_creator_by_its_name(tmp_path: Path) -> None:
    data = {"creator": "trustme", "key": tmp_path / "k.pem", "cert": tmp_path / "c.pem", "localhost": "here"}
    app = Sanic("Loaded")
    context: Any = CertLoader(data).load(app)
    assert context.sanic["names"] == ["here", "127.0.0.1", "0:0:0:0:0:0:0:1"]
    assert (context.sanic["creator"], context.sanic["localhost"]) == ("trustme", "here")
    with pytest.raises(ValueError, match="creator must be one of mkcert, trustme"):
        CertLoader({**data, "creator": "nobody"}).load(app)


def test_a_creator_of_a_test_is_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = certificate(tmp_path / "own", "own.example")

    class Own(TrustmeCreator):
        def check_supported(self) -> None:
            pass

        def generate_cert(self, localhost: str) -> ssl.SSLContext:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(folder / "fullchain.pem", folder / "privkey.pem")
            return context

    monkeypatch.setattr(creators, "MkcertCreator", Own)
    app = Sanic("Own", debug=True)
    assert handshake(local_tls(app), "own.example") == ["own.example"]
    assert isinstance(creators.get_ssl_context(app, None), ssl.SSLContext)


def test_the_names_of_a_list_are_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    first = certificate(tmp_path / "one", "one.example", "*.two.example")
    second = certificate(tmp_path / "two", "one.example")
    with caplog.at_level(logging.INFO):
        _tls.read([None, first, second])
    assert "Certificate vhosts: one.example, *.two.example" in caplog.messages


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
    by_function = _tls._certificate_fields(tls.cert, context)
    monkeypatch.delattr(ssl, "_ssl")
    assert _tls._certificate_fields(tls.cert, context) == by_function
    assert by_function["names"] == ["one.test", "*.two.test"]
