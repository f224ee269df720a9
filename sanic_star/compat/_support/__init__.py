"""Helpers without a counterpart in Sanic: JSON, lazy patterns and names, HTML error pages, redaction."""
