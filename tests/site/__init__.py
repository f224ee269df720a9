"""Checks of the built documentation, which `nox -s docs` runs after the build: `python -m tests.site`.

`mkdocs build --strict` checks links and anchors between pages. This package checks the rest: that searches find their
page first, that no page loads anything from another host, that links from README and the like into the pages hold,
and that drawings are readable on a light and on a dark page.
"""
