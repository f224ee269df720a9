"""The page that lists a directory, index files, and links that leave the served folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from sanic_star import Sanic
from sanic_star.compat._files.root import Root
from sanic_star.compat.handlers import DirectoryHandler
from sanic_star.compat.handlers.directory import _size
from sanic_star.testing import TestClient


@pytest.fixture
def public(tmp_path: Path) -> Path:
    tree = tmp_path / "public"
    for name in ("sub/deep/x.txt", "a b.txt", "<i>&.txt", "c:d.txt", "ü.txt"):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text("x")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/secret.txt").write_text("secret")
    return tree


def client_of(place: Path, **options: Any) -> TestClient:
    app: Sanic[Any, Any] = Sanic("Directories")
    app.static("/s", place, **options)
    return TestClient(app)


def test_a_page_lists_directories_first(public: Path) -> None:
    page = client_of(public, directory_view=True).get("/s/").text
    names = ["sub/", "%3Ci%3E%26.txt", "a%20b.txt", "c%3Ad.txt", "%C3%BC.txt"]
    places = [page.index(f'href="{name}"') for name in names]
    assert places == sorted(places)
    assert "&lt;i&gt;&amp;.txt" in page
    assert "../" not in page


def test_a_page_leads_up(public: Path) -> None:
    client = client_of(public, directory_view=True)
    assert '<a href="../">' in client.get("/s/sub/").text
    assert client.get("/s/sub").url.endswith("/s/sub/")


def test_an_empty_directory(public: Path) -> None:
    (public / "none").mkdir()
    assert "nothing is here" in client_of(public / "none", directory_view=True).get("/s/").text


def test_a_page_leaves_out_what_is_not_served(public: Path) -> None:
    os.symlink(public.parent / "outside", public / "out-dir")
    os.symlink(public.parent / "outside/secret.txt", public / "out-file")
    os.symlink(public.parent / "nosuch", public / "broken")
    os.symlink("a b.txt", public / "inner")
    os.mkfifo(public / "pipe")
    page = client_of(public, directory_view=True).get("/s/").text
    assert "inner" in page
    assert not any(name in page for name in ("out-dir", "out-file", "broken", "pipe"))
    followed = client_of(
        public, directory_view=True, follow_external_symlink_files=True, follow_external_symlink_dirs=True
    )
    page = followed.get("/s/").text
    assert "out-dir/" in page
    assert "out-file" in page
    assert "secret.txt" in followed.get("/s/out-dir/").text


def test_an_index_that_leads_out_is_not_served(public: Path) -> None:
    os.symlink(public.parent / "outside/secret.txt", public / "index.html")
    assert client_of(public, index="index.html").get("/s/").status_code == 404
    assert client_of(public, index="index.html", follow_external_symlink_files=True).get("/s/").text == "secret"


def test_a_redirect_stays_on_the_host(public: Path) -> None:
    app: Sanic[Any, Any] = Sanic("Here")
    app.static("/", public, directory_view=True)
    answer = TestClient(app).get("//sub", allow_redirects=False)
    assert answer.status_code in (302, 404)
    assert answer.headers.get("location", "/sub/") == "/sub/"


def test_statics_of_a_blueprint_have_index_and_page(public: Path) -> None:
    from sanic_star import Blueprint

    (public / "sub/index.html").write_text("index of sub")
    bp = Blueprint("bp", url_prefix="/bp")
    bp.static("/s", public, index="index.html", directory_view=True)
    app: Sanic[Any, Any] = Sanic("Parts")
    app.blueprint(bp)
    client = TestClient(app)
    assert client.get("/bp/s/sub/").text == "index of sub"
    assert "x.txt" in client.get("/bp/s/sub/deep/").text


async def test_a_handler_accepts_requests_with_and_without_its_path_parameters(public: Path) -> None:
    handler = DirectoryHandler("/s", public, directory_view=True)

    class Asked:
        path = "/s/sub/"
        headers: dict[str, str] = {}

    for path in ("/s/sub/", "sub", "/sub/"):
        answer = await handler.handle(Asked(), path)  # type: ignore[arg-type]
        assert b"deep/" in answer.body


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (1_234_567, "1.2 MB"),
        (999_960, "1.0 MB"),
        (5 * 10**15, "5000.0 TB"),
    ],
)
def test_sizes_in_words(count: int, expected: str) -> None:
    assert _size(count) == expected


def test_paths_inside_and_outside_the_root(public: Path) -> None:
    os.symlink(public.parent / "outside", public / "out")
    os.symlink(public.parent / "outside/secret.txt", public / "file")
    os.symlink(public.parent / "outside/secret.txt", public.parent / "outside/link")
    strict, files, dirs = (Root(public, *flags) for flags in ((False, False), (True, False), (False, True)))
    wanted = {
        "sub/deep": [True, True, True],
        "": [True, True, True],
        "file": [False, True, False],
        "out": [False, False, True],
        "out/secret.txt": [False, False, True],
        "out/link": [False, False, False],
        "a%00": [False, False, False],
        "sub/%2e%2e/sub": [False, False, False],
        "../outside": [False, False, False],
    }
    assert {name: [root.find(name) is not None for root in (strict, files, dirs)] for name in wanted} == wanted
