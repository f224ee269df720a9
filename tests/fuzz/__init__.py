"""Random input, the same to Sanic and to sanic_star: `python -m tests.fuzz`, a part of it in the ordinary tests."""
