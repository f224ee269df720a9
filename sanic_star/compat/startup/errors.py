"""Errors at the start of Sanic's command."""

from __future__ import annotations

from sanic_star.compat._support.stand_ins import stand_ins

(maybe_handle_startup_error,) = stand_ins(__name__, "maybe_handle_startup_error")
