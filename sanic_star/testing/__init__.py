"""In-process clients to test an app with: no port, no network, and exceptions that reach the test."""

from sanic_star.testing.client import TestClient
from sanic_star.testing.websocket import WebSocketDenialResponse, WebSocketSession

__all__ = ["TestClient", "WebSocketDenialResponse", "WebSocketSession"]
