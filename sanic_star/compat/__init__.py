"""Sanic's vocabulary on the engine: the modules here bear the names of the modules of `sanic`."""
