"""Serve the board: `uvicorn examples.taskboard.server:app --reload`.

`board.py` uses Sanic's API only. This module adds parts of Starlette and other ASGI packages: sessions, CORS,
compression, static files, GraphQL.
"""

import contextlib
import os
import secrets
import tempfile
from pathlib import Path

from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.staticfiles import StaticFiles

from sanic_star import Request

from .board import ASSETS, App, create_board
from .graph import make_graphql
from .links import link
from .session import session, set_user


def create_app() -> App:
    """Create the whole application."""
    app = create_board(asset_link)
    app.mount("/assets", StaticFiles(directory=ASSETS), name="assets")
    app.mount("/graphql", make_graphql(app), name="graphql")
    app.blueprint(session)
    app.on_request(set_user)
    app.ctx.panels |= {
        "session": lambda request: link(request, "session.SessionView"),
        "graphql": lambda request: link(request, "graphql", path="/"),
    }
    app.add_middleware(GZipMiddleware, minimum_size=500)
    app.add_middleware(SessionMiddleware, secret_key=session_key(Path(app.config.DB)), session_cookie="taskboard")
    app.add_middleware(CORSMiddleware, allow_origins=["*"], allow_methods=["*"], allow_headers=["Content-Type"])
    return app


def asset_link(request: Request, name: str) -> str:
    """Return the URL of an asset."""
    return link(request, "assets", path=name)


def session_key(database: Path) -> str:
    """Return the key that signs session cookies: from the environment, or from a file next to the database.

    The file keeps sessions valid across reloads and in all workers.
    """
    if secret := os.environ.get("TASKBOARD_SECRET"):
        return secret
    path = database.with_suffix(".secret")
    path.parent.mkdir(parents=True, exist_ok=True)
    # A hard link to a complete file: if several workers start at once, they use one key, and no one reads half a key.
    with tempfile.NamedTemporaryFile("w", dir=path.parent) as new_file:
        new_file.write(secrets.token_urlsafe())
        new_file.flush()
        with contextlib.suppress(FileExistsError):
            os.link(new_file.name, path)
    return path.read_text()


app = create_app()
