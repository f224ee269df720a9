import logging
import pickle

import pytest
import sanic
from sanic.exceptions import NotFound
from sanic_routing.exceptions import RouteExists
from sanic_testing.testing import SanicTestClient
from shop.server import ClosedError


def test_welcome(app):
    request, response = app.test_client.get("/")
    assert response.status == 200
    assert response.text == "Welcome to the shop (2 books)"
    assert response.headers["x-shop"] == request.app.name == "TestedShop"


@pytest.mark.parametrize(("number", "status"), [(1, 200), (3, 404)])
def test_books(app, number, status):
    _, response = app.test_client.get(f"/v1/books/{number}")
    assert response.status == status
    if status == 200:
        assert response.json == {"title": "Emma", "url": "/v1/books/1"}


def test_put(app):
    _, response = app.test_client.put("/v1/books/3", json={"title": "Sanditon"})
    assert response.status_code == 201
    assert response.json["title"] == "Sanditon"


def test_orders(app):
    _, response = app.test_client.post("/orders/1", params={"amount": 3}, data={"by": "Anne"})
    assert response.json == {"ordered": 3, "by": "Anne"}
    _, response = app.test_client.post("/orders/1?amount=11")
    assert response.status == 400
    assert "too many" in response.text


def test_closed(app, caplog):
    with caplog.at_level(logging.WARNING):
        _, response = app.test_client.get("/closed")
    assert response.status == 503
    assert response.json == {"closed": "The shop is closed"}
    assert ("sanic.root", logging.WARNING, "Closed for /closed") in caplog.record_tuples


def test_feed(app):
    async def mimic(ws):
        await ws.send("emma")
        assert await ws.recv() == "EMMA"

    request, _ = app.test_client.websocket("/v1/books/feed", mimic=mimic)
    assert request.path == "/v1/books/feed"


async def test_asynchronous_client(app):
    _, response = await app.asgi_client.get("/v1/books/2")
    assert response.status == 200
    assert response.json["title"] == "Persuasion"


def test_client_of_another_port(app):
    client = SanicTestClient(app)
    _, response = client.get("/version")
    assert response.text == sanic.__version__


def test_patched_by_path(app, monkeypatch):
    monkeypatch.setattr("sanic.app.Sanic.url_for", lambda self, name, **more: f"to {name}")
    _, response = app.test_client.get("/v1/books/1")
    assert response.json["url"] == "to books.Book"


def test_routes_are_checked(app):
    async def handler(request): ...

    app.add_route(handler, "/once", name="once")
    with pytest.raises(RouteExists):
        app.add_route(handler, "/once", name="twice")


def test_exceptions_travel():
    assert isinstance(pickle.loads(pickle.dumps(NotFound("gone"))), NotFound)
    assert issubclass(ClosedError, sanic.SanicException)
