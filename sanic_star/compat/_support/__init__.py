"""Helpers without a module in Sanic: JSON, header checks, lazy patterns, the HTML of error pages, redaction."""
