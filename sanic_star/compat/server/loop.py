"""The choice of an event loop."""

from __future__ import annotations

import asyncio
import os
from importlib import import_module
from importlib.util import find_spec

from sanic_star.compat.log import error_logger


def try_use_uvloop() -> None:
    """Use uvloop for new event loops of this process, if it is installed.

    A server selects its own loop: `app.run` by the setting `USE_UVLOOP`, uvicorn by `--loop`.
    """
    if os.name == "nt" or find_spec("uvloop") is None:
        error_logger.warning("uvloop is not installed, or does not support this system: the event loop is asyncio's")
        return
    policy = import_module("uvloop").EventLoopPolicy
    if not isinstance(asyncio.get_event_loop_policy(), policy):
        asyncio.set_event_loop_policy(policy())


def try_windows_loop() -> None:
    """Use `select` for new event loops on Windows; do nothing on other systems."""
    policy = getattr(asyncio, "WindowsSelectorEventLoopPolicy", None)
    if policy is None:
        error_logger.warning("This system is not Windows: the event loop is not changed")
        return
    asyncio.set_event_loop_policy(policy())
