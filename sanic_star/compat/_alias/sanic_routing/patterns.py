"""The types of path parameters, by `sanic_routing`'s names: the functions that convert are the router's own."""

from sanic_star.compat._routing.path_types import PATH_TYPES, ParamInfo
from sanic_star.compat._routing.path_types import _alpha as alpha
from sanic_star.compat._routing.path_types import _ext as ext
from sanic_star.compat._routing.path_types import _nonempty as nonemptystr
from sanic_star.compat._routing.path_types import _slug as slug
from sanic_star.compat._routing.path_types import _ymd as parse_date

REGEX_TYPES = {kind.label: (kind.convert, kind.pattern, ParamInfo) for kind in PATH_TYPES}

__all__ = ["REGEX_TYPES", "ParamInfo", "alpha", "ext", "nonemptystr", "parse_date", "slug"]
