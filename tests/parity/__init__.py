"""Parity: the same source runs on Sanic and on sanic_star, and the answers are compared.

A *case* is a piece of ordinary Sanic source and what is sent to it (`case.py`, and the modules in `cases/`). Each
framework has one worker process that has it imported already and forks a child per case (`worker.py`), so that a case
costs a start-up and not an import, gets a port of its own, and can leave nothing behind for the next one. Sanic serves
with its own server, as in production; sanic_star is served by uvicorn. What goes out is bytes (`wire.py`), so odd paths
and headers arrive as they are written. `compare.py` says what counts as the same answer.

    python -m tests.parity observe "int parameter"     what Sanic answers
    python -m tests.parity try app.py "GET /x" ...      what both answer to a source of your own
    python -m tests.parity steady                       every case twice on Sanic alone: finds cases that flicker
    python -m pytest tests/parity                       the comparison
"""
