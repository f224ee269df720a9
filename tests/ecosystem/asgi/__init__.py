"""Packages for Starlette and for any ASGI application, unmodified, here and on Starlette.

Each test module uses one package as its documentation says. A test gets an application of this package, and as the
control the same application written with Starlette; `sites.py` has both. Most requests are made in process. What needs
a server gets uvicorn in a process of its own.
"""
