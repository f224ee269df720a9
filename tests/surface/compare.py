"""The names of one surface that are missing in the other, by module, with counts.

* module: a public module of Sanic exists under the same name in the mirror;
* name: a public function, class or constant defined in it exists there;
* attribute: a public method, property or slot of such a class exists on ours;
* parameter: a function or method takes each parameter that Sanic's takes, by name (or takes `**kwargs` and uses them).

A kind must agree (class, function, property), an exception's Sanic bases must be there, a coroutine must be one. A
function of ours that does nothing counts as missing where Sanic's does something.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, field
from typing import Any

from tests.surface.counted import CONSTANTS_COUNT_IN, NOT_CARRIED_OVER, PRIVATE_IN_EFFECT, PUBLIC_MODULES

KINDS = ("modules", "names", "attributes", "parameters")


def read(package: str) -> dict[str, Any]:
    """Return the surface of a package, read in a process of its own."""
    command = [sys.executable, "-W", "ignore", "-m", "tests.surface.reader", package, *PUBLIC_MODULES]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)  # type: ignore[no-any-return]


def compare(sanics: dict[str, Any], ours: dict[str, Any]) -> Surface:
    """Compare the mirror with Sanic."""
    result = Surface()
    for module, entry in sanics.items():
        if "error" in entry:
            continue
        target = ours.get(module, {"error": "not there"})
        result.count("modules", module, module, target.get("error", ""))
        our_names = target.get("names", {})
        for name, description in entry["names"].items():
            if name not in PRIVATE_IN_EFFECT and (not name.isupper() or module in CONSTANTS_COUNT_IN):
                _name(result, module, name, description, our_names.get(name))
    return result


@dataclass
class Surface:
    """The result: by kind, the number of existing names and of all names; and the missing ones by module."""

    counts: dict[str, list[int]] = field(default_factory=lambda: {kind: [0, 0] for kind in KINDS})
    gaps: list[str] = field(default_factory=list)

    def count(self, kind: str, module: str, text: str, fault: str) -> None:
        """Count one thing, and note its fault if it has one."""
        self.counts[kind][0] += not fault
        self.counts[kind][1] += 1
        if fault:
            self.gaps.append(f"{module or '(package)'}: {kind[:-1]} {text}: {fault}")

    def shares(self) -> list[str]:
        """Return a line per kind: the number of existing names, and of all names."""
        return [
            f"{kind}: {existing} of {all_} ({existing / all_:.1%})" for kind, (existing, all_) in self.counts.items()
        ]


def _name(result: Surface, module: str, name: str, description: dict[str, Any], ours: dict[str, Any] | None) -> None:
    fault = _fault(description, ours)
    absent = [base for base in description["bases"] if ours and base not in ours["bases"]]
    result.count("names", module, name, fault or (f"lacks the base {absent[0]}" if absent else ""))
    for parameter in description["names"] if description["kind"] == "function" else []:
        result.count("parameters", module, f"{name}({parameter})", fault or _lack(parameter, ours))
    left_out = NOT_CARRIED_OVER.get(f"{module}.{name}" if module else name, set())
    for attribute, their in description["attributes"].items():
        if attribute in left_out:
            continue
        our = ours["attributes"].get(attribute) if ours else None
        wrong = _fault(their, our)
        result.count("attributes", module, f"{name}.{attribute}", wrong)
        for parameter in their["names"]:
            result.count("parameters", module, f"{name}.{attribute}({parameter})", wrong or _lack(parameter, our))


def _fault(sanics: dict[str, Any], ours: dict[str, Any] | None) -> str:
    """Return why ours is no replacement for Sanic's, or an empty text."""
    if ours is None:
        return "missing"
    if sanics["kind"] != ours["kind"] and (sanics["kind"], ours["kind"]) != ("function", "class"):
        return f"is a {ours['kind']}, Sanic's a {sanics['kind']}"
    if sanics["async"] and not ours["async"] and ours["kind"] == "function":
        return "is no coroutine function"
    return "does nothing" if ours["idle"] and not sanics["idle"] else ""


def _lack(parameter: str, ours: dict[str, Any] | None) -> str:
    return "" if ours and (ours["open"] or parameter in ours["names"]) else "missing"
