"""The library's own tests, written with sanic_testing."""

import pytest
from server import app

ORIGIN = {"origin": "https://reader.test"}


def test_add():
    request, response = app.test_client.post("/books/", json={"title": "Emma", "pages": 474}, headers=ORIGIN)
    assert (request.method, request.path, response.status) == ("POST", "/books/", 201)
    assert response.headers["access-control-allow-origin"] == "https://reader.test"
    _, response = app.test_client.get(response.headers["location"])
    assert response.json["title"] == "Emma"


def test_bad_input():
    for body, status in (("{", 400), ("[]", 400), ('{"title": 1}', 400), ('{"title": "Emma"}', 409)):
        _, response = app.test_client.post("/books/", content=body, headers={"content-type": "application/json"})
        assert response.status == status, body
    assert app.test_client.get("/books/99")[1].status == 404
    assert app.test_client.get("/books/emma")[1].status == 404
    assert app.test_client.patch("/books/1")[1].status == 405


def test_preflight():
    headers = {**ORIGIN, "access-control-request-method": "POST"}
    _, response = app.test_client.options("/books/", headers=headers)
    assert response.headers["access-control-allow-origin"] == "https://reader.test"


def test_error():
    _, response = app.test_client.get("/fails")
    assert response.status == 500


@pytest.mark.asyncio
async def test_asgi_client():
    _, response = await app.asgi_client.get("/books/?q=mm")
    assert (response.status, [book["title"] for book in response.json]) == (200, ["Emma"])
    assert response.headers["x-total"] == "1"
