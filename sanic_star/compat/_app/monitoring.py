"""What a monitoring tool has put in the place of `Sanic._startup`, called once for each application, at its start.

Sanic's server awaits that method before it starts; tools (sentry-sdk is one) replace it on the class, to register the
signals by which they follow requests. The same tool may know Starlette too, and patch `Starlette.__call__`. An
application here is both, so each of its requests would be counted twice. Then the tool's way for Sanic stays, since the
project has asked for it, and `Sanic.__call__` is one that the tool has not patched.

Loaded where the method is replaced.
"""

from __future__ import annotations

from typing import Any

from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send

from sanic_star.compat._app.methods import is_overridden


async def start_up(app: Any) -> None:
    """Await the method of an application that a tool or a subclass has put in the place of `Sanic._startup`."""
    owner: Any = next(cls for cls in type(app).__mro__ if "_startup" in vars(cls))
    if _package(owner._startup) == _package(Starlette.__call__):
        owner.__call__ = _call
    await app._startup()


def _package(function: Any) -> str:
    return str(getattr(function, "__module__", "")).partition(".")[0]


async def _call(self: Any, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a connection as Starlette's unpatched method does."""
    if not is_overridden(type(self)._startup):
        # The tool has let go of Sanic.
        await Starlette.__call__(self, scope, receive, send)
        return
    stack = self.middleware_stack
    if stack is None:
        stack = self.middleware_stack = self.build_middleware_stack()
    scope.update(app=self)
    await stack(scope, receive, send)
