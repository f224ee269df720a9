"""Names and idioms of older releases of Sanic, which 25.12 refuses: they work as they did, with a deprecation warning.

Where the same code means something in 25.12, it means that here. `table` lists the names, with the release that
dropped each, and what to write instead; `find` looks them up; the other modules implement them. Nothing of this package
is loaded before a program uses an old name: classes and modules find the names by `_support.lazy`.

What is no name is where it belongs, and warns by itself: dots in the names of applications (`_app.decorators`), path
types (`router`), old keywords (`app`, `config`, `response.types`).
"""
