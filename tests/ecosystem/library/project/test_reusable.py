"""In a run of its own: on Sanic, an application that `test_client` has started cannot start in a reusable client."""

import os

from sanic_testing.reusable import ReusableClient
from server import app


def test_reusable_client():
    with ReusableClient(app, host="127.0.0.1", port=int(os.environ["LIBRARY_PORT"])) as client:
        for n in range(3):
            _, response = client.post("/books/", json={"title": f"Volume {n}"})
            assert response.status == 201
            _, response = client.put(response.headers["location"], json={"title": f"Part {n}", "pages": n})
            assert response.json["pages"] == n
        _, response = client.get("/books/?q=Part")
        assert len(response.json) == 3
        for book in response.json:
            assert client.delete(f"/books/{book['id']}")[1].status == 204
        assert client.get("/books/?q=Part")[1].json == []
