"""The types of path parameters under the names of `sanic_routing`; the converters are this package's."""

import re

from sanic_star.compat._routing.path_types import PATH_TYPES, ParamInfo
from sanic_star.compat._routing.path_types import _alpha as alpha
from sanic_star.compat._routing.path_types import _ext as ext
from sanic_star.compat._routing.path_types import _nonempty as nonemptystr
from sanic_star.compat._routing.path_types import _slug as slug
from sanic_star.compat._routing.path_types import _ymd as parse_date

# Sanic's grammar of a parameter: `<name>`, `<name:type>`, and `<name=type:ext=kinds>` for a file's name. The real
# package's other modules, which are loaded where it is installed, read paths by these.
_NAME = "([a-zA-Z_][a-zA-Z0-9_]*)"
PARAM_EXT = rf"<{_NAME}(?:=([a-z]+))?(?::ext(?:=([a-z0-9|\.]+))?)>"
EXTENSION = r"[a-z0-9](?:[a-z0-9\.]*[a-z0-9])?"
REGEX_PARAM_NAME = re.compile(f"^<{_NAME}(?::(.*))?>$")
REGEX_PARAM_EXT_PATH = re.compile(PARAM_EXT)
REGEX_PARAM_NAME_EXT = re.compile(f"^{PARAM_EXT}$")
REGEX_ALLOWED_EXTENSION = re.compile(f"^{EXTENSION}$")

REGEX_TYPES = {kind.label: (kind.convert, kind.pattern, ParamInfo) for kind in PATH_TYPES}

__all__ = [
    "EXTENSION",
    "PARAM_EXT",
    "REGEX_ALLOWED_EXTENSION",
    "REGEX_PARAM_EXT_PATH",
    "REGEX_PARAM_NAME",
    "REGEX_PARAM_NAME_EXT",
    "REGEX_TYPES",
    "ParamInfo",
    "alpha",
    "ext",
    "nonemptystr",
    "parse_date",
    "slug",
]
