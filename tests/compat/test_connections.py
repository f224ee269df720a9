"""The connection of a request: one `ConnInfo` for all its requests, and the details of TLS."""

import ssl
from pathlib import Path
from typing import Any

import pytest
import trustme
from starlette.types import ASGIApp, Receive, Scope, Send

from sanic_star import HTTPResponse, Request, Sanic, json
from sanic_star.compat.exceptions import SanicException
from sanic_star.compat.worker.loader import CertLoader
from sanic_star.testing import ReusableClient, TestClient

AUTHORITY = trustme.CA()


@pytest.fixture
def app() -> Sanic[Any, Any]:
    app: Sanic[Any, Any] = Sanic("Connections")

    @app.get("/")
    async def count(request: Request) -> HTTPResponse:
        info = request.conn_info
        info.ctx.requests = getattr(info.ctx, "requests", 0) + 1
        names = info.cert.get("names")
        return json([info.ctx.requests, info.client_ip, info.server_name, names, info.cert.get("commonName")])

    return app


@pytest.fixture
def certificate(tmp_path: Path) -> dict[str, str]:
    made = AUTHORITY.issue_cert("shop.example", "*.shop.example", "127.0.0.1", common_name="Shop")
    made.private_key_pem.write_to_path(tmp_path / "key.pem")
    made.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    return {"cert": str(tmp_path / "cert.pem"), "key": str(tmp_path / "key.pem")}


def test_requests_of_one_connection_share_it(app: Sanic[Any, Any]) -> None:
    with ReusableClient(app, port=0) as client:
        first, second = client.get("/"), client.get("/")
        assert [response.json[0] for _, response in (first, second)] == [1, 2]
        assert first[0].conn_info is second[0].conn_info
        other = client.get("/", headers={"connection": "close"}), client.get("/")
        assert [response.json[0] for _, response in other] == [3, 1]


def test_without_a_connection_each_request_has_its_own(app: Sanic[Any, Any]) -> None:
    with TestClient(app) as client:
        assert [client.get("/").json()[0] for _ in range(2)] == [1, 1]


def test_clients_behind_one_connection_of_a_proxy(app: Sanic[Any, Any]) -> None:
    """A middleware that believes a proxy changes the client from request to request."""

    class Believe:
        def __init__(self, app: ASGIApp) -> None:
            self.app = app

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            for name, value in scope.get("headers", ()):
                if name == b"x-client":
                    scope["client"] = (value.decode(), 0)
            await self.app(scope, receive, send)

    app.add_middleware(Believe)
    with ReusableClient(app, port=0) as client:
        addresses = ["10.0.0.1", "10.0.0.2", "10.0.0.1", ""]
        answers = [client.get("/", headers={"x-client": address})[1].json for address in addresses]
    assert [answer[:2] for answer in answers] == [[number + 1, client] for number, client in enumerate(addresses)]


def test_facts_about_tls(app: Sanic[Any, Any], certificate: dict[str, str]) -> None:
    _, response = app.test_client.get("https://localhost:None/", server_kwargs={"ssl": certificate})
    names = ["shop.example", "*.shop.example", "127.0.0.1"]
    assert response.json[2:] == ["localhost", names, "Shop"]
    # A client that connects to an address asks for no name.
    _, response = app.test_client.get("https://127.0.0.1:None/", server_kwargs={"ssl": certificate})
    assert response.json[2:] == ["", names, "Shop"]


def test_a_custom_ssl_context_has_no_metadata(app: Sanic[Any, Any], certificate: dict[str, str]) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate["cert"], certificate["key"])
    _, response = app.test_client.get("https://localhost:None/", server_kwargs={"ssl": context})
    assert response.json[2:] == ["", None, None]


# Certificate loaders ------------------------------------------------------------------------------------------------


def test_a_certificate_loader(certificate: dict[str, str]) -> None:
    class FromStore(CertLoader):
        def load(self, app: Any) -> ssl.SSLContext | None:
            self._ssl_data = certificate
            return super().load(app)

    app: Sanic[Any, Any] = Sanic("Loader", certloader_class=FromStore)
    app.get("/")(lambda request: json(request.scheme))
    _, response = app.test_client.get("https://localhost:None/", server_kwargs={"host": "127.0.0.1"})
    assert response.json == "https"


@pytest.mark.parametrize("result", ["nothing", False, 5])
def test_a_loader_that_returns_no_context(result: object, certificate: dict[str, str]) -> None:
    class Broken(CertLoader):
        def load(self, app: Any) -> Any:
            return result

    app: Sanic[Any, Any] = Sanic("Broken", certloader_class=Broken)
    with pytest.raises(ValueError, match="it should return an SSLContext"):
        app.prepare(port=0, ssl=certificate)


def test_a_loader_that_finds_no_application(certificate: dict[str, str]) -> None:
    class Empty(CertLoader):
        def load(self, app: Any) -> None:
            return None

    app: Sanic[Any, Any] = Sanic("Empty", certloader_class=Empty)
    app.prepare(port=0)
    assert app.state.server_info[-1].backend_settings.tls is None
    with pytest.raises(ValueError, match="returned None"):
        app.prepare(port=0, ssl=certificate)
    with pytest.raises(SanicException, match="in PRODUCTION mode without a certificate"):
        app.prepare(port=0, auto_tls=True)


@pytest.mark.parametrize("definition", [{"cert": None, "key": None}, {"cert": "c.pem"}, {"key": "k.pem"}, {}])
def test_a_mapping_without_paths(definition: Any) -> None:
    with pytest.raises(ValueError, match="ssl= is a mapping without"):
        Sanic("Paths").prepare(port=0, ssl=definition)
