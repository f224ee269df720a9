"""Registers listeners, and the names of their events."""

from enum import Enum

from sanic_star.compat._app.decorators import Registrar as ListenerMixin


class ListenerEvent(str, Enum):  # noqa: UP042 - as in Sanic; a StrEnum has another `str()`
    """The events of listeners."""

    BEFORE_SERVER_START = "server.init.before"
    AFTER_SERVER_START = "server.init.after"
    BEFORE_SERVER_STOP = "server.shutdown.before"
    AFTER_SERVER_STOP = "server.shutdown.after"
    MAIN_PROCESS_START = "main_process_start"
    MAIN_PROCESS_READY = "main_process_ready"
    MAIN_PROCESS_STOP = "main_process_stop"
    RELOAD_PROCESS_START = "reload_process_start"
    RELOAD_PROCESS_STOP = "reload_process_stop"
    BEFORE_RELOAD_TRIGGER = "before_reload_trigger"
    AFTER_RELOAD_TRIGGER = "after_reload_trigger"


__all__ = ["ListenerEvent", "ListenerMixin"]
