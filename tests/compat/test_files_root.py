"""Files outside a served directory stay outside, whatever is replaced by a link, and whenever."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sanic_star import Sanic
from sanic_star.compat._files import responses as _file_responses
from sanic_star.compat._files import root as _contained
from sanic_star.compat._files.root import Root
from sanic_star.testing import TestClient

# Both sizes: a small file is cached in memory, a large one is opened again when it is sent.
SIZES = {"small": 40, "large": 100_000}
IN, OUT = "inside", "outside"


@pytest.fixture(autouse=True)
def kept_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep files in memory although they were changed a moment ago."""
    monkeypatch.setattr(_file_responses, "CLOCK_TICK_NS", -(10**18))


@pytest.fixture(params=[True, False], ids=["openat", "no openat"])
def openat(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    monkeypatch.setattr(_contained, "_HAS_OPENAT", request.param)
    return bool(request.param)


def fill(folder: Path, word: str) -> None:
    for name in ("top", "sub/deep/file", "sub/deep/index"):
        for kind, size in SIZES.items():
            path = folder / f"{name}.{kind}.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(word * (size // len(word)))
    (folder / "sub/deep" / f"{word}-name.txt").write_text(word)


class Tree:
    """A served directory, and one beside it that has the same names and other contents.

    Args:
        folder: where both are made.
        replaced: what `swap` replaces by a link to its namesake outside, relative to the directory: `.` for itself.
    """

    def __init__(self, folder: Path, replaced: str = ".") -> None:
        folder.mkdir(exist_ok=True)
        self.public, self.outside = folder / "public", folder / "outside"
        fill(self.public, IN)
        fill(self.outside, OUT)
        self.place = self.public / replaced if replaced != "." else self.public
        self.namesake = self.outside / replaced if replaced != "." else self.outside
        self.hidden = folder / "hidden"
        self.swapped = False

    def swap(self) -> None:
        if self.swapped:
            self.place.unlink()
            self.hidden.rename(self.place)
        else:
            self.place.rename(self.hidden)
            self.place.symlink_to(self.namesake)
        self.swapped = not self.swapped

    def client(self, **options: Any) -> TestClient:
        app: Sanic[Any, Any] = Sanic("Contained")
        app.static("/s", self.public, use_content_range=True, **options)
        client = TestClient(app, raise_server_exceptions=False)
        client.get("/none")  # the application starts
        return client


class Hook:
    """Does something at the steps of a look-up: before each call of `os` that reads the disk."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.steps: dict[int, Callable[[], None]] = {}
        self.count = 0
        self.running = False
        for name in ("open", "stat", "lstat", "readlink", "scandir"):
            monkeypatch.setattr(os, name, self.around(getattr(os, name)))

    def around(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def hooked(*args: Any, **options: Any) -> Any:
            if (not self.running and threading.current_thread() is not threading.main_thread()) or self.inside(args):
                self.running = True
                try:
                    self.steps.get(self.count, lambda: None)()
                    self.count += 1
                finally:
                    self.running = False
            return function(*args, **options)

        supported = (os.supports_dir_fd, os.supports_fd, os.supports_follow_symlinks)
        for functions in supported:
            if function in functions:
                functions.add(hooked)
        return hooked

    def inside(self, args: tuple[Any, ...]) -> bool:
        return not self.running and bool(args) and "public" in str(args[0])


REQUESTS: dict[str, Callable[[TestClient, str], Any]] = {
    "get": lambda client, kind: client.get(f"/s/sub/deep/file.{kind}.txt"),
    "range": lambda client, kind: client.get(f"/s/sub/deep/file.{kind}.txt", headers={"range": "bytes=2-20"}),
    "head": lambda client, kind: client.head(f"/s/sub/deep/file.{kind}.txt"),
    "since": lambda client, kind: client.get(
        f"/s/sub/deep/file.{kind}.txt", headers={"if-modified-since": "Tue, 14 Nov 2000 22:13:20 GMT"}
    ),
    "index": lambda client, kind: client.get("/s/sub/deep/"),
}
# The replaced path, the kind of request, and the size of the file.
RACES = [
    *((replaced, "get", kind) for replaced in ("sub/deep/file.{}.txt", "sub/deep", ".") for kind in SIZES),
    ("sub", "range", "large"),
    *((replaced, "index", "small") for replaced in ("sub/deep/index.{}.txt", "sub/deep", ".")),
    *((replaced, "list", "small") for replaced in ("sub/deep", "sub")),
]


@pytest.mark.parametrize(("replaced", "asked", "kind"), RACES)
def test_a_link_that_is_put_in_at_any_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, openat: bool, replaced: str, asked: str, kind: str
) -> None:
    tree = Tree(tmp_path, replaced.format(kind))
    client = tree.client(**{"index": f"index.{kind}.txt"} if asked == "index" else {"directory_view": True})
    ask = REQUESTS["index" if asked == "list" else asked]
    cache = client.app.router.routes[0].endpoint.args[2]  # type: ignore[attr-defined]
    hook = Hook(monkeypatch)

    def race(*at: int) -> int:
        """Swap at these steps; return how many steps the request took."""
        cache.__init__()
        hook.count, hook.steps = 0, dict.fromkeys(at, tree.swap)
        answer = ask(client, kind)
        steps, hook.steps = hook.count, {}
        assert answer.status_code in (200, 206, 404)
        assert OUT not in answer.text, at
        if tree.swapped:
            tree.swap()
        again = ask(client, kind)
        assert IN in again.text
        assert OUT not in again.text, at
        return steps

    steps = race()
    assert steps > 5
    for first in range(steps + 3):
        race(first)
        # Put back a few steps later. Without `openat` such a pair is noticed only at most steps.
        for second in range(first + 1, first + 7) if openat else ():
            race(first, second)


def moved(tree: Tree, place: Path) -> None:
    """Move something out of the directory, with a link in its place: the files in it do not change."""
    place.rename(tree.hidden)
    place.symlink_to(tree.hidden)


@pytest.mark.parametrize("replaced", ["sub/deep/file.small.txt", "sub/deep", "sub", "."])
@pytest.mark.parametrize("asked", REQUESTS)
@pytest.mark.parametrize("link", [False, True], ids=["direct", "by a link inside"])
def test_a_kept_file_that_was_moved_out(tmp_path: Path, replaced: str, asked: str, link: bool) -> None:
    tree = Tree(tmp_path, replaced)
    client = tree.client(index="index.small.txt")
    kind = "small"
    if link:
        (tree.public / "sub/deep/file.linked.txt").symlink_to("file.small.txt")
        kind = "linked"
    for _ in range(2):
        assert REQUESTS[asked](client, kind).status_code in (200, 206)
    moved(tree, tree.place)
    status = REQUESTS[asked](client, kind).status_code
    assert status == 404 or (asked == "index" and replaced.endswith(".txt"))
    tree.place.unlink()
    tree.hidden.rename(tree.place)
    assert REQUESTS[asked](client, kind).status_code in (200, 206)


def test_a_cached_file_behind_a_link_that_changes(tmp_path: Path) -> None:
    tree = Tree(tmp_path)
    link = tree.public / "link"
    link.symlink_to("sub")
    client = tree.client()
    for _ in range(2):
        assert IN in client.get("/s/link/deep/file.small.txt").text
    link.unlink()
    link.symlink_to(tree.outside / "sub")
    assert client.get("/s/link/deep/file.small.txt").status_code == 404
    link.unlink()
    link.symlink_to(tree.public / "sub")
    assert IN in client.get("/s/link/deep/file.small.txt").text


@pytest.mark.parametrize("files", [False, True])
@pytest.mark.parametrize("dirs", [False, True])
def test_links_that_are_followed_are_kept_as_long_as_they_may_be(tmp_path: Path, files: bool, dirs: bool) -> None:
    tree = Tree(tmp_path)
    (tree.public / "file").symlink_to(tree.outside / "top.small.txt")
    (tree.public / "dir").symlink_to(tree.outside / "sub")
    (tree.outside / "sub/deep/link").symlink_to(tree.outside / "top.small.txt")
    client = tree.client(follow_external_symlink_files=files, follow_external_symlink_dirs=dirs)
    for _ in range(2):
        assert client.get("/s/file").status_code == (200 if files else 404)
        assert client.get("/s/dir/deep/file.small.txt").status_code == (200 if dirs else 404)
        assert client.get("/s/dir/deep/file.large.txt").status_code == (200 if dirs else 404)
        assert client.get("/s/dir/deep/link").status_code == (200 if files and dirs else 404)
    if dirs:
        # A file that was kept becomes a link to the same file, and links to files may not be followed.
        kept = tree.outside / "sub/deep/file.small.txt"
        kept.rename(tree.hidden)
        kept.symlink_to(tree.hidden)
        assert client.get("/s/dir/deep/file.small.txt").status_code == (200 if files else 404)


def test_hard_links_are_files_of_the_directory(tmp_path: Path) -> None:
    tree = Tree(tmp_path)
    os.link(tree.outside / "top.small.txt", tree.public / "hard.txt")
    client = tree.client()
    for _ in range(2):
        assert OUT in client.get("/s/hard.txt").text
    (tree.public / "hard.txt").unlink()
    (tree.public / "hard.txt").symlink_to(tree.outside / "top.small.txt")
    assert client.get("/s/hard.txt").status_code == 404


def test_a_single_file_may_become_a_link(tmp_path: Path) -> None:
    tree = Tree(tmp_path)
    app: Sanic[Any, Any] = Sanic("Single")
    app.static("/one", tree.public / "top.small.txt")
    client = TestClient(app)
    for _ in range(2):
        assert IN in client.get("/one").text
    (tree.public / "top.small.txt").unlink()
    (tree.public / "top.small.txt").symlink_to(tree.outside / "top.small.txt")
    assert OUT in client.get("/one").text


# A real race ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def swapping(tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tree]:
    """Replace a file or a directory by a link and back, as fast as a thread can."""
    replaced, kept = request.param
    if not kept:
        monkeypatch.setattr(_file_responses, "CLOCK_TICK_NS", 10**18)
    tree = Tree(tmp_path / "race", replaced)
    done = threading.Event()

    def work() -> None:
        while not done.is_set():
            tree.swap()
        if tree.swapped:
            tree.swap()

    tree.worker = thread = threading.Thread(target=work)  # type: ignore[attr-defined]
    yield tree
    done.set()
    thread.join()


@pytest.mark.parametrize(
    "swapping",
    [
        (replaced, kept)
        for replaced in ("sub/deep/file.small.txt", "sub/deep/file.large.txt", "sub/deep", "sub")
        for kept in (True, False)
    ],
    ids=str,
    indirect=True,
)
def test_a_thread_that_swaps(swapping: Tree) -> None:
    client = swapping.client(directory_view=True)
    swapping.worker.start()  # type: ignore[attr-defined]
    for _ in range(60):
        for path in ("/s/sub/deep/file.small.txt", "/s/sub/deep/file.large.txt", "/s/sub/deep/"):
            answer = client.get(path)
            assert answer.status_code in (200, 404)
            assert OUT not in answer.text


# What cannot be resolved or opened -----------------------------------------------------------------------------------


def test_links_that_lead_nowhere_are_not_found(tmp_path: Path) -> None:
    tree = Tree(tmp_path)
    (tree.public / "circle").symlink_to("circle")
    (tree.public / "ping").symlink_to("pong")
    (tree.public / "pong").symlink_to("ping")
    (tree.public / "nowhere").symlink_to("none")
    (tree.public / "chain0").symlink_to("top.small.txt")
    for number in range(1500):
        (tree.public / f"chain{number + 1}").symlink_to(f"chain{number}")
    client = tree.client(directory_view=True, index="circle")
    assert IN in client.get("/s/chain3").text
    names = ("circle", "circle/x", "ping", "nowhere", "chain1500", "top.small.txt/x", "a" * 300, "a/" * 3000, "a%00b")
    assert {client.get(f"/s/{name}").status_code for name in names} == {404}
    assert client.get("/s/").status_code == 200


@pytest.mark.parametrize(
    "error",
    [
        PermissionError(errno.EACCES, "denied"),
        OSError(errno.ENAMETOOLONG, "too long"),
        OSError(errno.ELOOP, "a circle"),
        ValueError("embedded null byte"),
        RecursionError("too many links"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_path_that_cannot_be_resolved_is_not_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    tree = Tree(tmp_path)
    (tree.public / "sub/link").symlink_to("deep")
    client = tree.client(directory_view=True)
    assert client.get("/s/sub/link/file.small.txt").status_code == 200

    def realpath(path: object, **options: object) -> str:
        raise error

    monkeypatch.setattr(os.path, "realpath", realpath)
    for path in ("/s/sub/link/file.small.txt", "/s/top.large.txt", "/s/sub/"):
        assert client.get(path).status_code == 404


@pytest.mark.usefixtures("openat")
@pytest.mark.parametrize("kind", SIZES)
def test_a_pipe_that_takes_a_files_place_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    tree = Tree(tmp_path)
    path = tree.public / f"top.{kind}.txt"
    client = tree.client()
    opening = Root.open

    def replace(self: Root, real: str) -> Any:
        if path.is_file():
            path.unlink()
            os.mkfifo(path)
        return opening(self, real)

    monkeypatch.setattr(Root, "open", replace)
    assert client.get(f"/s/top.{kind}.txt").status_code == 404


def test_a_large_file_that_vanishes_before_it_is_sent_is_not_found(tmp_path: Path) -> None:
    tree = Tree(tmp_path)
    app: Sanic[Any, Any] = Sanic("Gone")
    app.static("/s", tree.public)
    path = tree.public / "top.large.txt"

    @app.on_response
    async def remove(request: Any, response: Any) -> None:
        path.unlink(missing_ok=True)

    client = TestClient(app, raise_server_exceptions=False)
    assert client.get("/s/top.large.txt").status_code == 404


def test_a_directory_that_may_be_entered_but_not_read(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may read everything")
    tree = Tree(tmp_path)
    (tree.public / "sub").chmod(0o111)
    try:
        assert IN in tree.client().get("/s/sub/deep/file.small.txt").text
    finally:
        (tree.public / "sub").chmod(0o755)


def test_no_descriptor_stays_open(tmp_path: Path) -> None:
    tree = Tree(tmp_path)
    client = tree.client(directory_view=True, index="index.small.txt")
    folder = Path("/proc/self/fd")
    if not folder.exists():
        pytest.skip("the system does not list descriptors")

    def ask() -> int:
        for name in ("top.small.txt", "top.large.txt", "sub/deep/", "sub/", "none", "sub/none/x", "top.small.txt/x"):
            client.get(f"/s/{name}")
            client.head(f"/s/{name}")
        return len(list(folder.iterdir()))

    before = ask()
    assert [ask() for _ in range(5)] == [before] * 5
