"""The types of ASGI, and Sanic's transport and protocol of an ASGI connection."""

from starlette.types import Message as ASGIMessage
from starlette.types import Receive as ASGIReceive
from starlette.types import Scope as ASGIScope
from starlette.types import Send as ASGISend

from sanic_star.compat.request._protocol import Protocol as MockProtocol
from sanic_star.compat.request._protocol import Transport as MockTransport

__all__ = ["ASGIMessage", "ASGIReceive", "ASGIScope", "ASGISend", "MockProtocol", "MockTransport"]
