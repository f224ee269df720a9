"""`TestManager`, which holds the test clients of an application."""

from typing import TYPE_CHECKING, Any

from sanic_star.testing.sanic import SanicTestClient

if TYPE_CHECKING:
    from sanic_star.testing.asgi import SanicASGITestClient


class TestManager:
    """Holds the test clients of an application, `app.test_client` and `app.asgi_client`.

    Args:
        app: the application.
    """

    __test__ = False

    def __init__(self, app: Any) -> None:
        self.test_client: SanicTestClient = app.test_client
        self._app = app
        app._test_manager = self

    @property
    def asgi_client(self) -> "SanicASGITestClient":
        """The client for asynchronous tests; it is created at the first use, because it requires httpx2."""
        client: SanicASGITestClient = self._app.asgi_client
        return client
