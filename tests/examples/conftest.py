"""The served board: one process per test module and flavour."""

from collections.abc import Iterator

import pytest

from .serving import Server, serve_board, serve_on_sanic


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Serve the whole application."""
    with serve_board(tmp_path_factory.mktemp("board")) as server:
        yield server


@pytest.fixture(scope="module", params=["whole", "plain", "on-sanic"])
def anywhere(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Serve the application, its Sanic-only part, and that part on Sanic itself: all three must answer alike."""
    folder = tmp_path_factory.mktemp(request.param)
    flavours = {
        "whole": lambda: serve_board(folder),
        "plain": lambda: serve_board(folder, "--factory", app="examples.taskboard.plain:create_app"),
        "on-sanic": lambda: serve_on_sanic(folder),
    }
    with flavours[request.param]() as server:
        yield server
