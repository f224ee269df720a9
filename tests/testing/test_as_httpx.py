"""The bytes that the clients of `sanic_testing` send, custom sessions, and answers with 405."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from starlette.routing import Route

from sanic_star import Sanic, text
from sanic_star.compat.exceptions import MethodNotAllowed
from sanic_star.testing import ReusableClient, SanicTestClient
from tests.testing.test_sanic import METHODS, app_of, redirect

# Targets whose bytes must be those that httpx puts on the wire.
TARGETS = [
    *(
        "/%61",
        "/%41%7E",
        "/a%2fb",
        "/%zz",
        "/%",
        "/[x]|^\\",
        "/{x}",
        "/<x>",
        "/é b",
        "/a?x=%61",
        "/a?x=%c3%a9&y=[1]{2}",
    ),
    *("/a?q='`{}|^\\[]%61", '/a?x=<y>&z="', "/a#b", "/a?x#y", "?x=1", "", "/a?&&", "/a/../b", "/a;b"),
    *("/../a", "/a/..", "/a/.", "/a//../b", "/..", "/.a/b..", "/a/./b", "/%2e%2e/a"),
]


@pytest.mark.parametrize("keywords", [{}, {"port": 0}], ids=["in process", "over a socket"])
def test_targets_go_out_as_httpx_sends_them(keywords: dict[str, Any]) -> None:
    httpx2 = pytest.importorskip("httpx2")
    app = Sanic("Targets")
    app.add_route(lambda request, path="": text(request.raw_url.decode()), "/<path:path>", name="path")
    app.add_route(lambda request: text(request.raw_url.decode()), "/", name="root")
    with ReusableClient(app, **keywords) as client:
        for target in TARGETS:
            sent = httpx2.Client().build_request("GET", f"http://127.0.0.1/{target.removeprefix('/')}")
            assert client.get(target)[1].text == sent.url.raw_path.decode()


@pytest.mark.parametrize(
    "params",
    [
        *({"a": "é ü+/~*'()!"}, {"a": [1, None, True]}, "a=b&c=d e&f", b"a=1", [("y", None), ("y", 2)], {}, "", None),
    ],
)
@pytest.mark.parametrize("own", [{}, {"z": 1, "a": [1, 2]}])
def test_parameters_take_the_place_of_the_query(params: Any, own: dict[str, Any]) -> None:
    httpx2 = pytest.importorskip("httpx2")
    request = httpx2.Client(params=own).build_request("GET", "http://x/p?a=b", params=params)
    app = Sanic("Parameters")
    app.add_route(lambda request: text(request.raw_url.decode()), "/p", name="p")
    _, response = SanicTestClient(app).get("/p?a=b", params=params, session_kwargs={"params": own})
    assert response.text == request.url.raw_path.decode()


def test_parameters_in_an_object_of_httpx() -> None:
    httpx2 = pytest.importorskip("httpx2")
    _, response = SanicTestClient(app_of()).get("/", params=httpx2.QueryParams([("a", "1"), ("a", "2")]))
    assert response.json["args"] == [["a", "1"], ["a", "2"]]


def test_authentication_forms_of_httpx_are_accepted() -> None:
    class Bearer:
        def auth_flow(self, request: Any) -> Iterator[Any]:
            request.headers["Authorization"] = "Bearer t"
            yield request

    client = SanicTestClient(app_of())
    assert client.get("/", auth=("ü", b"p"))[1].json["authorization"] == "Basic w7w6cA=="
    assert client.get("/", auth=Bearer())[1].json["authorization"] == "Bearer t"
    assert client.get("/", session_kwargs={"auth": Bearer()})[1].json["authorization"] == "Bearer t"


def test_timeouts_and_form_fields_of_httpx_are_accepted() -> None:
    client = SanicTestClient(app_of())
    assert client.get("/", timeout=SimpleNamespace(read=5))[1].status == 200
    facts = client.post("/", files={"a": (None, b"1"), "b": ("b.txt", b"2")})[1].json
    assert (facts["fields"], facts["files"]) == ([["a", "1"]], [["b", "b.txt", "text/plain", "2"]])


def test_a_request_without_a_body_has_the_content_length_of_httpx() -> None:
    app = Sanic("Lengths")
    app.add_route(lambda request: text(request.headers.get("content-length", "")), "/", name="it", methods=METHODS)
    lengths = {verb: SanicTestClient(app).request("/", http_method=verb)[1].text for verb in METHODS}
    assert [verb for verb in METHODS if lengths[verb] == "0"] == ["POST", "PUT", "PATCH"]


def test_a_custom_session() -> None:
    seen: list[dict[str, Any]] = []

    class Client(SanicTestClient):
        def get_new_session(self, **kwargs: Any) -> requests.Session:
            seen.append(kwargs)
            return super().get_new_session(headers={"X-A": "mine"}, **kwargs)

    client = Client(app_of(Route("/to", redirect)))
    assert client.get("/")[1].json["x-a"] == "mine"
    _, response = client.get("/to", session_kwargs={"follow_redirects": False})
    assert response.status == 302
    assert seen == [{}, {"follow_redirects": False}]
    # A plain one, set on the client as a test patches it.
    client.get_new_session = lambda **kwargs: requests.Session()  # type: ignore[method-assign]
    assert client.get("/")[1].json["x-a"] is None


def test_a_session_of_another_library_is_refused() -> None:
    client = SanicTestClient(app_of())
    client.get_new_session = lambda **kwargs: object()  # type: ignore[method-assign,assignment]
    with pytest.raises(ValueError, match=r"get_new_session\(\) returned object, not a session of `requests`"):
        client.get("/")


def test_a_session_over_a_given_socket() -> None:
    class Client(SanicTestClient):
        def get_new_session(self, **kwargs: Any) -> requests.Session:
            return super().get_new_session(cookies={"a": "b"}, **kwargs)

    app = Sanic("Sessions")
    app.add_route(lambda request: text(request.cookies.get("a", "")), "/", name="it")
    _, response = Client(app).get("/", server_kwargs={"port": 0})
    assert response.text == "b"


def test_refusals_of_a_method_are_those_of_sanic_testing() -> None:
    app = Sanic("Refusals")
    app.add_route(lambda request: text(""), "/", name="it")
    app.error_handler.add(Exception, lambda request, exception: text("any", 500))
    client = SanicTestClient(app)
    for _ in range(2):
        answers = {verb: client.request("/", http_method=verb)[1] for verb in ("POST", "PUT", "PATCH", "DELETE")}
        assert {verb: (answer.status, answer.headers["allow"]) for verb, answer in answers.items()} == dict.fromkeys(
            answers, (405, "GET")
        )
        assert [verb for verb, answer in answers.items() if answer.text] == ["POST"]
        assert client.head("/nowhere")[1].headers["content-length"] != "0"
        posts = Sanic("Posts")
        posts.add_route(lambda request: text(""), "/", methods=["POST"], name="it")
        assert SanicTestClient(posts).head("/")[1].headers["content-length"] == "0"
    # Only while the client asks.
    app.error_handler.add(MethodNotAllowed, lambda request, exception: text("own", 405))
    assert client.put("/")[1].text == "own"
