"""The board as it is served: `uvicorn examples.taskboard.server:app --reload`.

`board.py` is Sanic's way of writing an application. This module assembles it with what Starlette and other ASGI
packages bring: sessions, CORS, compression, static files, GraphQL.
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
from .session import recognise, session


def create_app() -> App:
    """Make the whole application."""
    app = create_board(asset_link)
    app.mount("/assets", StaticFiles(directory=ASSETS), name="assets")
    app.mount("/graphql", make_graphql(app), name="graphql")
    app.blueprint(session)
    app.on_request(recognise)
    app.ctx.panels |= {
        "session": lambda request: link(request, "session.SessionView"),
        "graphql": lambda request: link(request, "graphql", path="/"),
    }
    app.add_middleware(GZipMiddleware, minimum_size=500)
    app.add_middleware(SessionMiddleware, secret_key=secret_for(Path(app.config.DB)), session_cookie="taskboard")
    app.add_middleware(CORSMiddleware, allow_origins=["*"], allow_methods=["*"], allow_headers=["Content-Type"])
    return app


def asset_link(request: Request, name: str) -> str:
    """Return the URL of an asset."""
    return link(request, "assets", path=name)


def secret_for(database: Path) -> str:
    """Return the key that signs session cookies: from the environment, or from a file beside the database.

    A file, because sessions should outlive a reload and hold for all workers.
    """
    if given := os.environ.get("TASKBOARD_SECRET"):
        return given
    path = database.with_suffix(".secret")
    path.parent.mkdir(parents=True, exist_ok=True)
    # Written aside and linked: of workers that start at once one wins, and none reads a half-written file.
    with tempfile.NamedTemporaryFile("w", dir=path.parent) as draft:
        draft.write(secrets.token_urlsafe())
        draft.flush()
        with contextlib.suppress(FileExistsError):
            os.link(draft.name, path)
    return path.read_text()


app = create_app()
