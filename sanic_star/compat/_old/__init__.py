"""Names and idioms of older releases that Sanic 25.12 has removed: they still work, with a deprecation warning.

If the same code has a meaning in 25.12, it has that meaning here. `table` lists the names, with the release that
removed each, and its replacement; `find` looks them up; the other modules implement them. This package is imported when
a program uses an old name: classes and modules look names up through `_support.lazy`.

Other old idioms are implemented where they occur: dots in the names of applications (`_app.decorators`), path types
(`router`), old keywords (`app`, `config`, `response.types`).
"""
