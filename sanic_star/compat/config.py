"""Settings: a dictionary whose upper-case keys are also attributes.

Values come from the defaults here, the arguments of `Config`, environment variables `SANIC_…`, and later assignments;
each source overrides the ones before. The functions in `on_change` are called for each assignment.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Never

from sanic_star.compat._support.deprecation import filter_deprecations
from sanic_star.compat._support.lazy import OldName, names_without_old, old_names
from sanic_star.compat.constants import DEFAULT_FORMAT, LocalCertCreator
from sanic_star.compat.exceptions import SanicException, ServerError
from sanic_star.compat.helpers import Default, _default, str_to_bool
from sanic_star.compat.log import error_logger
from sanic_star.engine.lifespan import InvalidSetting

if TYPE_CHECKING:
    from pathlib import Path

SANIC_PREFIX = "SANIC_"

# Sanic's keys and values. Times are in seconds, sizes in bytes. Settings without effect here (TOUCHUP,
# REQUEST_BUFFER_SIZE and others, see «Not there yet» in docs/compatibility.md) stay so that configurations load.
DEFAULT_CONFIG: dict[str, Any] = {
    "_FALLBACK_ERROR_FORMAT": _default,
    "ACCESS_LOG": False,
    "AUTO_EXTEND": True,
    "AUTO_RELOAD": False,
    "DEPRECATION_FILTER": "once",
    "EVENT_AUTOREGISTER": False,
    "FORWARDED_FOR_HEADER": "X-Forwarded-For",
    "FORWARDED_SECRET": None,
    "GRACEFUL_SHUTDOWN_TIMEOUT": 15.0,
    "GRACEFUL_TCP_CLOSE_TIMEOUT": 5.0,
    "INSPECTOR": False,
    "INSPECTOR_API_KEY": "",
    "INSPECTOR_HOST": "localhost",
    "INSPECTOR_PORT": 6457,
    "INSPECTOR_TLS_CERT": _default,
    "INSPECTOR_TLS_KEY": _default,
    "KEEP_ALIVE": True,
    "KEEP_ALIVE_TIMEOUT": 120,
    "LOCALHOST": "localhost",
    "LOCAL_CERT_CREATOR": LocalCertCreator.AUTO,
    "LOCAL_TLS_CERT": _default,
    "LOCAL_TLS_KEY": _default,
    "LOG_EXTRA": _default,
    "MOTD": True,
    "MOTD_DISPLAY": {},
    "NOISY_EXCEPTIONS": False,
    "NO_COLOR": False,
    "PROXIES_COUNT": None,
    "REAL_IP_HEADER": None,
    "REQUEST_BUFFER_SIZE": 65536,
    "REQUEST_ID_HEADER": "X-Request-ID",
    "REQUEST_MAX_HEADER_SIZE": 8192,
    "REQUEST_MAX_SIZE": 100_000_000,
    "REQUEST_TIMEOUT": 60,
    "RESPONSE_TIMEOUT": 60,
    "TLS_CERT_PASSWORD": "",
    "TOUCHUP": _default,
    "USE_UVLOOP": _default,
    "WEBSOCKET_MAX_SIZE": 2**20,
    "WEBSOCKET_PING_INTERVAL": 20,
    "WEBSOCKET_PING_TIMEOUT": 20,
}


# Numbers that an application uses while it serves; text from a file or the environment would make requests fail. The
# minimum, and whether `None` switches the setting off.
_NUMBERS: dict[str, tuple[float, bool]] = {
    "FORM_MAX_FIELDS": (0, False),
    "FORM_MAX_FIELD_SIZE": (0, True),
    "FORM_MAX_FILES": (0, False),
    "FORM_MAX_FILE_SIZE": (0, True),
    "FORM_SPOOL_SIZE": (0, False),
    "GRACEFUL_SHUTDOWN_TIMEOUT": (0, False),
    "KEEP_ALIVE_TIMEOUT": (0, False),
    "PROXIES_COUNT": (0, True),
    "REQUEST_BODY_TIMEOUT": (0, True),
    "REQUEST_HEAD_TIMEOUT": (0, True),
    "REQUEST_MAX_HEADER_SIZE": (1, False),
    "REQUEST_MAX_SIZE": (0, True),
    "REQUEST_TIMEOUT": (0, True),
    "RESPONSE_TIMEOUT": (0, True),
    "SHUTDOWN_LISTENER_TIMEOUT": (0.001, True),
    "STARTUP_LISTENER_TIMEOUT": (0.001, True),
    "THREAD_POOL_SIZE": (1, False),
    "WEBSOCKET_MAX_SIZE": (1, True),
    "WEBSOCKET_PING_INTERVAL": (0, True),
    "WEBSOCKET_PING_TIMEOUT": (0, True),
}


_WHOLE_NUMBERS = frozenset({"THREAD_POOL_SIZE"})

# For environment variables: the last one that accepts a value converts it.
_BUILTIN_CONVERTERS: tuple[Callable[[str], Any], ...] = (str, str_to_bool, float, int)


class SettingError(ServerError, InvalidSetting):
    """A setting has an invalid value; the message names both."""


class DetailedConverter(ABC):
    """A converter for environment variables that gets the name of the variable."""

    @abstractmethod
    def __call__(self, full_key: str, config_key: str, value: str, defaults: dict[str, Any]) -> Any:
        """Convert a value.

        Args:
            full_key: the name of the variable.
            config_key: the name of the setting, without the prefix.
            value: the text.
            defaults: the settings before environment variables.

        Raises:
            ValueError: another converter has to convert this value.
        """


def _is_truth_value(text: str) -> bool:
    """Return whether text is a truth value; as in Sanic, an empty variable means off."""
    try:
        str_to_bool(text)
    except ValueError:
        return not text
    return True


def _certificate_creator(value: Any) -> LocalCertCreator:
    return LocalCertCreator(value.upper() if isinstance(value, str) else value)


def _choices(key: str) -> tuple[str, ...]:
    """Return the values of a setting that has only a few, for the message about another one in the environment."""
    if key == "LOCAL_CERT_CREATOR":
        return tuple(creator.value.lower() for creator in LocalCertCreator)
    return ("auto", "html", "json", "text") if key == "FALLBACK_ERROR_FORMAT" else ()


def _text(value: Any) -> Any:
    # A secret that consists of digits was converted to a number.
    return None if value is None else str(value)


_SETTING_CONVERTERS: dict[str, Callable[[Any], Any]] = {
    "LOCAL_CERT_CREATOR": _certificate_creator,
    "FORWARDED_SECRET": _text,
    "SERVER_NAME": _text,
}
# Settings that stay text even if they look like numbers: a password may be `0123`.
_TEXTS = frozenset({"FORWARDED_SECRET", "INSPECTOR_API_KEY", "SERVER_NAME", "TLS_CERT_PASSWORD"})
# Boolean settings whose default is not a boolean.
_OTHER_SWITCHES = frozenset({"CANCEL_ON_DISCONNECT", "LOG_EXTRA", "TOUCHUP", "USE_UVLOOP"})


class Config(dict[str, Any]):
    """The settings of an application.

    Args:
        defaults: settings in addition to, or instead of, the default ones.
        env_prefix: the prefix of environment variables with settings; `None` or empty: don't read any.
        keep_alive: the setting `KEEP_ALIVE`.
        converters: functions that convert the text of environment variables, or raise ValueError. They are tried before
            those for whole numbers, numbers and truth values, the last one first.

    Raises:
        ValueError, SanicException: a setting has an invalid value.

    Examples:
        >>> config = Config({"SHOP": "Delft"}, env_prefix=None)
        >>> config.SHOP, config["REQUEST_TIMEOUT"]
        ('Delft', 60)
        >>> config.TILL
        Traceback (most recent call last):
        AttributeError: Config has no 'TILL'
    """

    ACCESS_LOG: bool
    AUTO_EXTEND: bool
    AUTO_RELOAD: bool
    DEPRECATION_FILTER: str
    EVENT_AUTOREGISTER: bool
    FALLBACK_ERROR_FORMAT: str
    FORWARDED_FOR_HEADER: str
    FORWARDED_SECRET: str | None
    GRACEFUL_SHUTDOWN_TIMEOUT: float
    GRACEFUL_TCP_CLOSE_TIMEOUT: float
    INSPECTOR: bool
    INSPECTOR_API_KEY: str
    INSPECTOR_HOST: str
    INSPECTOR_PORT: int
    INSPECTOR_TLS_CERT: Path | str | Default
    INSPECTOR_TLS_KEY: Path | str | Default
    KEEP_ALIVE: bool
    KEEP_ALIVE_TIMEOUT: int
    LOCALHOST: str
    LOCAL_CERT_CREATOR: str | LocalCertCreator
    LOCAL_TLS_CERT: Path | str | Default
    LOCAL_TLS_KEY: Path | str | Default
    LOG_EXTRA: Default | bool
    MOTD: bool
    MOTD_DISPLAY: dict[str, str]
    NOISY_EXCEPTIONS: bool
    NO_COLOR: bool
    PROXIES_COUNT: int | None
    REAL_IP_HEADER: str | None
    REQUEST_BUFFER_SIZE: int
    REQUEST_ID_HEADER: str
    REQUEST_MAX_HEADER_SIZE: int
    REQUEST_MAX_SIZE: int
    REQUEST_TIMEOUT: int
    RESPONSE_TIMEOUT: int
    SERVER_NAME: str
    TLS_CERT_PASSWORD: str
    TOUCHUP: Default | bool
    USE_UVLOOP: Default | bool
    WEBSOCKET_MAX_SIZE: int
    WEBSOCKET_PING_INTERVAL: int
    WEBSOCKET_PING_TIMEOUT: int

    __dir__ = names_without_old
    from_object = OldName()
    from_pyfile = OldName()
    from_envvar = OldName()

    on_change: list[Callable[[str, Any], None]]
    """Functions that are called with key and value at each assignment."""

    # The prefix of the environment variables that were read; messages name variables with it.
    _env_prefix: str = ""

    def __init__(
        self,
        defaults: Mapping[str, Any] | None = None,
        env_prefix: str | None = SANIC_PREFIX,
        keep_alive: bool | None = None,
        *,
        converters: Sequence[Callable[..., Any]] | None = None,
        **old_keywords: Never,
    ) -> None:
        if old_keywords:
            from sanic_star.compat._old.keywords import of_config

            env_prefix = of_config(old_keywords, env_prefix)
        super().__init__(DEFAULT_CONFIG)
        # A separate dictionary, because applications add to it.
        super().__setitem__("MOTD_DISPLAY", {})
        object.__setattr__(self, "on_change", [])
        object.__setattr__(self, "_converters", list(_BUILTIN_CONVERTERS))
        for converter in converters or ():
            self.register_type(converter)
        self.update(defaults or {})
        if keep_alive is not None:
            self.KEEP_ALIVE = keep_alive
        object.__setattr__(self, "defaults", dict(self))
        if env_prefix:
            self.load_environment_vars(env_prefix)

    def __getattr__(self, attr: str) -> Any:
        if attr == "FALLBACK_ERROR_FORMAT":
            error_format = self["_FALLBACK_ERROR_FORMAT"]
            return DEFAULT_FORMAT if isinstance(error_format, Default) else error_format
        try:
            return self[attr]
        except KeyError:
            raise AttributeError(f"Config has no {attr!r}") from None

    def __missing__(self, key: str) -> Any:
        from sanic_star.compat._old.config import missing  # only for a setting that is not there

        return missing(self, key)

    def __setattr__(self, attr: str, value: Any) -> None:
        self[attr] = value

    def __delattr__(self, attr: str) -> None:
        try:
            del self[attr]
        except KeyError:
            raise AttributeError(f"Config has no {attr!r}") from None

    def __setitem__(self, attr: str, value: Any) -> None:
        if not isinstance(attr, str):
            raise TypeError(f"the name of a setting is a string, got {attr!r}")
        if attr == "FALLBACK_ERROR_FORMAT":
            if value:
                from sanic_star.compat.errorpages import check_error_format

                check_error_format(value)
            attr = "_FALLBACK_ERROR_FORMAT"
            if not isinstance(self.get(attr, _default), Default) and self[attr] != value:
                error_logger.warning(
                    f"FALLBACK_ERROR_FORMAT was {self[attr]!r} and is now {value!r}; routes that already exist "
                    "may keep the former value."
                )
        elif attr == "DEPRECATION_FILTER":
            filter_deprecations(value)
        value = _SETTING_CONVERTERS[attr](value) if attr in _SETTING_CONVERTERS else value
        super().__setitem__(attr, value)
        self._post_set(attr, value)

    def _post_set(self, attr: str, value: Any) -> None:
        """Call the functions in `on_change`; a subclass may override this to follow assignments, as in Sanic."""
        for function in vars(self).get("on_change", ()):
            function(attr, value)

    def update(self, *other: Any, **kwargs: Any) -> None:
        """Set the settings of any number of mappings.

        As in Sanic 25.12, and unlike in `dict.update`, the last mapping overrides keyword arguments.
        """
        settings = dict(kwargs)
        for group in other:
            settings.update(group)
        for key, value in settings.items():
            self[key] = value

    def __ior__(self, other: Any) -> Config:  # type: ignore[override,misc]
        self.update(other)
        return self

    def setdefault(self, key: str, default: Any = None) -> Any:
        """Set a missing setting; return the setting's value.

        Args:
            key: the setting.
            default: its value if it is missing.
        """
        if key not in self:
            self[key] = default
        return self[key]

    def load_environment_vars(self, prefix: str = SANIC_PREFIX) -> None:
        """Read settings from environment variables in upper case.

        Args:
            prefix: the prefix of the variables; the rest is the name of the setting.

        Raises:
            SettingError: a boolean setting gets a value that is neither a truth value nor empty, or a setting refuses
                its value. The message names the variable.
        """
        object.__setattr__(self, "_env_prefix", prefix)
        for name, text in os.environ.items():
            key = name.removeprefix(prefix)
            if name.startswith(prefix) and name.isupper() and key:
                try:
                    self[key] = self._convert(name, key, text)
                except SettingError:
                    raise
                except (SanicException, ValueError) as error:
                    # The setting refuses the value.
                    choices = _choices(key)
                    problem = f"it has to be one of {', '.join(choices)}" if choices else str(error)
                    problem = problem.removeprefix(f"{key} is {text!r}; ")
                    raise SettingError(f"the environment variable {name} is {text!r}; {problem}") from error

    def _convert(self, name: str, key: str, text: str) -> Any:
        is_switch = self._is_switch(key)
        for converter in reversed(vars(self)["_converters"]):
            if converter in _BUILTIN_CONVERTERS:
                if key in _TEXTS:
                    return text
                if is_switch and not _is_truth_value(text):
                    raise SettingError(f"the environment variable {name} is {text!r}; it has to be true or false")
            try:
                if isinstance(converter, DetailedConverter):
                    return converter(name, key, text, self.defaults)
                return converter(text)
            except ValueError:
                continue
        raise AssertionError("str converts everything")  # pragma: no cover

    def _is_switch(self, key: str) -> bool:
        defaults = DEFAULT_CONFIG.get(key), self.defaults.get(key)
        return key in _OTHER_SWITCHES or any(isinstance(default, bool) for default in defaults)

    def update_config(self, config: bytes | str | Path | Mapping[str, Any] | Any) -> None:
        """Use the upper-case names of an object as settings.

        Args:
            config: a mapping; a module, class or object; or the path or dotted name of a module, for which see
                `utils.load_module_from_file_location`.

        Raises:
            TypeError: `config` is none of these.
            OSError, ImportError, LoadFileException, PyFileError: the file or module cannot be loaded.

        Examples:
            >>> config = Config(env_prefix=None)
            >>> config.update_config({"SHOP": "Delft", "ignored": 1})
            >>> config.SHOP
            'Delft'
        """
        if isinstance(config, (bytes, str, os.PathLike)):
            from sanic_star.compat.utils import load_module_from_file_location

            config = load_module_from_file_location(config)
        if isinstance(config, Mapping):
            self.update({key: value for key, value in config.items() if key.isupper()})
        elif hasattr(config, "__dict__"):
            self.update({key: getattr(config, key) for key in dir(config) if key.isupper()})
        else:
            raise TypeError(f"Settings come from a mapping, a module, an object or a path, not from {config!r}")

    def _validate(self, names: Iterable[str] = _NUMBERS) -> None:
        """Raise if a number is invalid or too small, or a boolean setting is text; called at the application's start.

        Args:
            names: the numbers to check; by default all, and also the boolean settings.

        Raises:
            SettingError: the message names the setting, its value and the valid values.

        Examples:
            >>> Config({"REQUEST_MAX_SIZE": "1 MB"}, env_prefix=None)._validate()
            Traceback (most recent call last):
            sanic_star.compat.config.SettingError: REQUEST_MAX_SIZE is '1 MB'; it has to be a number from 0 on, or None
        """
        for name in names:
            least, optional = _NUMBERS[name]
            value = self.get(name)
            if value is None and (optional or name not in self):
                continue
            kinds = int if name in _WHOLE_NUMBERS else (int, float)
            if not isinstance(value, kinds) or isinstance(value, bool) or not value >= least:
                number = "a whole number" if name in _WHOLE_NUMBERS else "a number"
                requirement = f"{number} from {least} on" + (", or None" if optional else "")
                raise SettingError(f"{name} is {value!r}{self._origin(name)}; it has to be {requirement}")
        if names is _NUMBERS:
            for name, value in self.items():
                if isinstance(value, str) and self._is_switch(name) and not _is_truth_value(value):
                    raise SettingError(f"{name} is {value!r}{self._origin(name)}; it has to be True or False")

    def _origin(self, name: str) -> str:
        """Return which environment variable an invalid setting comes from, for a message; empty if from none."""
        variable = f"{self._env_prefix}{name}"
        is_from_environment = self._env_prefix and os.environ.get(variable) == str(self[name])
        return f" (from the environment variable {variable})" if is_from_environment else ""

    def load(self, config: bytes | str | Path | Mapping[str, Any] | Any) -> None:
        """The former name of `update_config`.

        Args:
            config: as in `update_config`.
        """
        self.update_config(config)

    def register_type(self, converter: Callable[..., Any]) -> None:
        """Add a converter for environment variables; it is tried before the existing ones.

        Examples:
            >>> from decimal import Decimal
            >>> config = Config(env_prefix=None)
            >>> config.register_type(Decimal)
        """
        converters = vars(self)["_converters"]
        if converter in converters:
            error_logger.warning(f"The converter {getattr(converter, '__name__', converter)!r} is already registered.")
        else:
            converters.append(converter)


if not TYPE_CHECKING:
    __getattr__ = old_names(__name__)
