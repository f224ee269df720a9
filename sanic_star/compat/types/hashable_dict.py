"""A dictionary that can be a key of another."""

from __future__ import annotations

from typing import TypeVar

_K = TypeVar("_K")
_V = TypeVar("_V")


class HashableDict(dict[_K, _V]):
    """A dictionary with a hash; equal ones have equal hashes.

    It must not be changed while it is a key, and its keys and values need hashes themselves.

    Examples:
        >>> {HashableDict(a=1): "found"}[HashableDict(a=1)]
        'found'
    """

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(frozenset(self.items()))
