"""Sanic in the background; here that is left to systemd or another supervisor."""

from __future__ import annotations

from sanic_star.compat._support.stand_ins import stand_ins

Daemon, DaemonError, PidfileInfo = stand_ins(__name__, "Daemon", "DaemonError", "PidfileInfo")
