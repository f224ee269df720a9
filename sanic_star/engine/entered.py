"""Lifespans that the user's lifespan has entered itself, so that none of them runs twice.

Some packages ask the user to run the lifespan of a mounted application in the outer lifespan: the MCP SDK documents
`async with mcp.session_manager.run()`, fastmcp `lifespan=mcp_app.lifespan`, others `async with
child.router.lifespan_context(child)`. All of these are asynchronous generators. While the user's lifespan starts, this
module records the generators that begin (`sys.set_asyncgen_hooks`). A mounted application's lifespan counts as entered
if a recorded generator has the same function and arguments, and has not ended.

Imported late: only an application with a lifespan and mounts needs it. Lifespans that are classes are not recorded:
mount their application with `lifespan=False`.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from types import AsyncGeneratorType
from typing import Any, TypeAlias

Generators: TypeAlias = Sequence[Any]
# Applications whose lifespans were entered, the outermost first, each with the generators that have begun meanwhile.
# The task in which a mounted application starts has a copy of this context.
entered: ContextVar[tuple[tuple[object, Generators], ...]] = ContextVar("sanic_star.entered", default=())


@contextmanager
def recording(app: object) -> Iterator[None]:
    """Record the asynchronous generators that begin inside this block, for `is_entered`.

    Args:
        app: the application whose lifespan is entered inside.
    """
    generators: list[Any] = []
    former_hooks = sys.get_asyncgen_hooks()

    def record(generator: AsyncGenerator[Any, Any]) -> None:
        generators.append(generator)
        if former_hooks.firstiter is not None:
            former_hooks.firstiter(generator)

    sys.set_asyncgen_hooks(firstiter=record)
    try:
        yield
    finally:
        sys.set_asyncgen_hooks(firstiter=former_hooks.firstiter)
    entered.set((*entered.get(), (app, generators)))


def is_entered(lifespan: Any, app: object) -> bool:
    """Return whether an outer lifespan has entered a lifespan, and has not left it.

    Args:
        lifespan: the lifespan's context manager, which is not entered itself.
        app: its application. The lifespan may also have been entered with the outer application as its argument, if it
            is a closure or a method; a plain function works for the application that it gets.
    """
    generator = getattr(lifespan, "gen", None)
    if not isinstance(generator, AsyncGeneratorType):
        return False
    return any(
        _is_same(generator, recorded, app, outer_app)
        for outer_app, generators in entered.get()
        for recorded in generators
    )


def _is_same(generator: AsyncGeneratorType[Any, Any], recorded: Any, app: object, outer_app: object) -> bool:
    code = generator.ag_code
    # A generator that is not written in Python may have other attributes.
    if getattr(recorded, "ag_code", None) is not code or recorded.ag_frame is None or generator.ag_frame is None:
        return False
    variables, recorded_variables = generator.ag_frame.f_locals, recorded.ag_frame.f_locals
    count = code.co_argcount + code.co_kwonlyargcount
    arguments = code.co_varnames[:count]
    if any(variables.get(name) is not recorded_variables.get(name) for name in code.co_freevars):
        return False
    differing_arguments = [name for name in arguments if variables.get(name) is not recorded_variables.get(name)]
    if not differing_arguments:
        return True
    # A closure or a method is bound to its application, whatever its argument is.
    is_bound = bool(code.co_freevars) or len(differing_arguments) < count
    return is_bound and all(
        variables.get(name) is app and recorded_variables.get(name) is outer_app for name in differing_arguments
    )
