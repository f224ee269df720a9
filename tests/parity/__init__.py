"""Parity: the same source runs on Sanic and on sanic_star, and the answers are compared.

A *case* is a piece of ordinary Sanic source with the requests to send (`case.py`, and the modules in `cases/`). Each
framework has one worker process that has imported it and forks a child per case (`worker.py`), so that a case costs a
start-up and not an import, has its own port, and leaves nothing for the next one. Sanic serves with its own server, as
in production; sanic_star is served by uvicorn. Requests are bytes (`wire.py`), so odd paths and headers arrive as they
are written. `compare.py` defines when two answers are the same.

    python -m tests.parity observe "int parameter"     print the answers of Sanic
    python -m tests.parity try app.py "GET /x" ...      print the answers of both to your own source
    python -m tests.parity steady                       play every case twice on Sanic alone, to find cases that flicker
    python -m pytest tests/parity                       the comparison
"""
