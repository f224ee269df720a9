"""Helpers without a module in Sanic: JSON, header checks, what is made with its first use, the HTML of error pages, redaction."""
