"""Errors at the start of Sanic's command; `sanic-star` explains its own."""
