"""The base of applications and blueprints."""

from sanic_star.compat._app.decorators import Registrar as BaseSanic

__all__ = ["BaseSanic"]
