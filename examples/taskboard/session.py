"""Who the visitor is and how often they came, kept in Starlette's signed session cookie."""

from typing import Annotated

import msgspec

from sanic_star import Blueprint, HTTPResponse, Request, json
from sanic_star.compat.views import HTTPMethodView

from .api import read

session = Blueprint("session", url_prefix="/session")


class Visitor(msgspec.Struct, forbid_unknown_fields=True):
    """What a visitor sends to be known by a name."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=30, pattern=r"\S")]


async def recognise(request: Request) -> None:
    """Let everything after this know the visitor by the name in the session."""
    request.ctx.user = request.session.get("name", request.ctx.user)


class SessionView(HTTPMethodView):
    """The visitor's session."""

    async def get(self, request: Request) -> HTTPResponse:
        """Show it."""
        return json({"name": request.ctx.user, "visits": request.session.get("visits", 0)})

    async def post(self, request: Request) -> HTTPResponse:
        """Count a visit."""
        request.session["visits"] = request.session.get("visits", 0) + 1
        return await self.get(request)

    async def put(self, request: Request) -> HTTPResponse:
        """Take a name."""
        request.session["name"] = request.ctx.user = read(request, Visitor).name.strip()
        return await self.get(request)

    async def delete(self, request: Request) -> HTTPResponse:
        """Forget everything."""
        request.session.clear()
        request.ctx.user = "guest"
        return await self.get(request)


session.add_route(SessionView.as_view(), "/")
