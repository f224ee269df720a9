"""`TestManager`, which gives an application its test clients."""

from typing import TYPE_CHECKING, Any

from sanic_star.testing.sanic import SanicTestClient

if TYPE_CHECKING:
    from sanic_star.testing.asgi import SanicASGITestClient


class TestManager:
    """Hold the test clients of an application, which are `app.test_client` and `app.asgi_client` from then on.

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
        """The client for asynchronous tests; made when it is asked for, because it needs httpx2."""
        client: SanicASGITestClient = self._app.asgi_client
        return client
