"""Configure logging when an application is made; `compat.logging.setup` adapts it when the application starts."""

from __future__ import annotations

from typing import Any

from sanic_star.compat.logging.default import LOGGING_CONFIG_DEFAULTS

_configured: dict[str, Any] | None = None


def configure(log_config: dict[str, Any] | None = None) -> None:
    """Configure logging.

    Args:
        log_config: as `logging.config.dictConfig` takes it; Sanic's default without it. The same configuration is
            applied once only: a process may make thousands of applications in its tests.
    """
    global _configured
    wanted = log_config or LOGGING_CONFIG_DEFAULTS
    if wanted is not _configured:
        # Here: it brings sockets, queues and pickle with it, which who only imports this package need not load.
        from logging.config import dictConfig

        dictConfig(wanted)
        _configured = wanted
