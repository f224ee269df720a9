"""Helpers without a module in Sanic: JSON, header checks, lazy patterns and names, error pages in HTML, redaction."""
