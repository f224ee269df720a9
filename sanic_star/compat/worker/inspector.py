"""The inspector of Sanic's worker manager; only its preparation of data for JSON works."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sanic_star.compat._support.stand_ins import StandIn


class Inspector(metaclass=StandIn):
    """The server that tells of Sanic's workers; here there is none."""

    @staticmethod
    def _make_safe(obj: dict[str, Any]) -> dict[str, Any]:
        """Replace the times in a mapping, and in the mappings in it, by text in ISO 8601."""
        for key, value in obj.items():
            if isinstance(value, dict):
                obj[key] = Inspector._make_safe(value)
            elif isinstance(value, datetime):
                obj[key] = value.isoformat()
        return obj
