"""The processes of Sanic's worker manager."""

from __future__ import annotations

from sanic_star.compat._support.stand_ins import stand_ins

Worker, WorkerProcess, get_now = stand_ins(__name__, "Worker", "WorkerProcess", "get_now")
