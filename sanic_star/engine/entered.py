"""Lifespans that the user's own lifespan has entered already, so that none of them runs twice.

A mounted application may need an outer lifespan to run something of its own: the MCP SDK documents
`async with mcp.session_manager.run()`, fastmcp `lifespan=mcp_app.lifespan`, others
`async with child.router.lifespan_context(child)`. All of them are asynchronous generators. While the user's lifespan
starts, this module notes the generators that begin (`sys.set_asyncgen_hooks`). A mounted application's lifespan counts
as entered if one of them is the same function with the same arguments, and has not ended.

Loaded where an application has a lifespan and mounts. Lifespans that are classes are not seen: mount their application
with `lifespan=False`.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from types import AsyncGeneratorType
from typing import Any, TypeAlias

Generators: TypeAlias = Sequence[Any]
# Of the application whose lifespan has been entered, and of those around it; a mounted application starts in a task
# that has this context.
entered: ContextVar[tuple[tuple[object, Generators], ...]] = ContextVar("sanic_star.entered", default=())


@contextmanager
def noting(app: object) -> Iterator[None]:
    """Note the asynchronous generators that begin inside of this block, for `is_entered`.

    Args:
        app: the application whose lifespan is entered inside.
    """
    generators: list[Any] = []
    before = sys.get_asyncgen_hooks()

    def begin(generator: AsyncGenerator[Any, Any]) -> None:
        generators.append(generator)
        if before.firstiter is not None:
            before.firstiter(generator)

    sys.set_asyncgen_hooks(firstiter=begin)
    try:
        yield
    finally:
        sys.set_asyncgen_hooks(firstiter=before.firstiter)
    entered.set((*entered.get(), (app, generators)))


def is_entered(lifespan: Any, app: object) -> bool:
    """Tell whether a lifespan is one that an outer lifespan has entered, and not left.

    Args:
        lifespan: the context manager, not entered.
        app: the application that it is made for. One that was entered with the outer application as its argument
            counts too, if it is a closure or a method: a plain function does its work for the application that it gets.
    """
    own = getattr(lifespan, "gen", None)
    if not isinstance(own, AsyncGeneratorType):
        return False
    return any(_is_same(own, other, app, outer) for outer, others in entered.get() for other in others)


def _is_same(own: AsyncGeneratorType[Any, Any], other: Any, app: object, outer: object) -> bool:
    code = own.ag_code
    # An extension's generator may have other attributes.
    if getattr(other, "ag_code", None) is not code or other.ag_frame is None or own.ag_frame is None:
        return False
    mine, theirs = own.ag_frame.f_locals, other.ag_frame.f_locals
    count = code.co_argcount + code.co_kwonlyargcount
    arguments = code.co_varnames[:count]
    if any(mine.get(name) is not theirs.get(name) for name in code.co_freevars):
        return False
    differing = [name for name in arguments if mine.get(name) is not theirs.get(name)]
    if not differing:
        return True
    # What binds such a lifespan to its application is in its closure, or in `self`.
    is_bound = bool(code.co_freevars) or len(differing) < count
    return is_bound and all(mine.get(name) is app and theirs.get(name) is outer for name in differing)
