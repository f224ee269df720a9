"""The visitor's name and number of visits, in Starlette's signed session cookie."""

from typing import Annotated

import msgspec

from sanic_star import Blueprint, HTTPResponse, Request, json
from sanic_star.compat.views import HTTPMethodView

from .api import parse_body

session = Blueprint("session", url_prefix="/session")


class Visitor(msgspec.Struct, forbid_unknown_fields=True):
    """The request body that sets the visitor's name."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=30, pattern=r"\S")]


async def set_user(request: Request) -> None:
    """Set `request.ctx.user` to the name in the session."""
    request.ctx.user = request.session.get("name", request.ctx.user)


class SessionView(HTTPMethodView):
    """The visitor's session."""

    async def get(self, request: Request) -> HTTPResponse:
        """Show the session."""
        return json({"name": request.ctx.user, "visits": request.session.get("visits", 0)})

    async def post(self, request: Request) -> HTTPResponse:
        """Count a visit."""
        request.session["visits"] = request.session.get("visits", 0) + 1
        return await self.get(request)

    async def put(self, request: Request) -> HTTPResponse:
        """Set the visitor's name."""
        request.session["name"] = request.ctx.user = parse_body(request, Visitor).name.strip()
        return await self.get(request)

    async def delete(self, request: Request) -> HTTPResponse:
        """Clear the session."""
        request.session.clear()
        request.ctx.user = "guest"
        return await self.get(request)


session.add_route(SessionView.as_view(), "/")
