"""Run the test suites of Sanic and of Starlette against this package: `nox -s acceptance`.

The suites are not here: `pip download` fetches the source archives of the two releases, and the tests in them run as
they are. This folder has the runner, the identifiers of the tests that count (`data/`), and the list of those that do
not pass, with a class and a reason for each. `docs/acceptance.md` is made from these.

- A test counts if it passes on the original. Sanic's own list (`data/sanic_control.json`) has the tests that passed in
  seven runs on Sanic 25.12; Starlette's (`data/starlette_control.json`) those that passed on Starlette.
- The number of tests that pass has a floor (`data/floor.json`), which only rises.
- `python -m acceptance … --write` writes the floor, the list of failing tests, and the figures in the pages.
"""
