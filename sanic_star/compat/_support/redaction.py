"""Hide credentials on error pages in debug mode.

Screenshots of debug pages end up in tickets and chats. So a page hides

- a value with a secret name (`is_secret`), in the tables of header fields, of `extra` and of variables, and in pairs of
  name and value inside a variable's text;
- everywhere on the page, the secret values of this request, of the application's settings and of the environment;
- the password in a URL, `https://user:password@host`.

A value in the source code, or a secret with a harmless name, is not hidden.
"""

from __future__ import annotations

import json
import os
import re
from base64 import b64decode
from collections.abc import Iterable, Iterator, Mapping
from html import escape
from typing import Any
from urllib.parse import quote, quote_plus

HIDDEN = "(hidden)"

# Substrings that make a name secret, even inside a longer word: `phpsessionid`, `accesstoken`.
_SECRET_SUBSTRINGS = re.compile(
    r"authori[sz]ation|authenticat|cookie|credential|passw|passphrase|passcode|secret|session|signature|token|api_?key|csrf|xsrf"
)
# Words that make a name secret only as whole words, because `author` contains `auth`, and `spin` contains `pin`.
_SECRET_WORDS = frozenset(
    {
        "assertion",
        "auth",
        "authn",
        "bearer",
        "cert",
        "certificate",
        "dsn",
        "hmac",
        "jwt",
        "oauth",
        "otp",
        "pass",
        "pin",
        "pwd",
        "saml",
        "sid",
        "totp",
    }
)
# `key` makes a name secret only together with another word: `X-Auth-Key`, `private_key`, but not `key` alone.
_KEY_WORDS = frozenset({"key", "keys"})
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
# The name and the value of a pair. The pattern is possessive and begins at the start of a word, so that long texts take
# linear time.
_NAME = re.compile(r"""(?<![\w.-])(?P<name>[\w.-]++)['"]?\s*+[:=,]\s*+""")
_VALUE = re.compile(r"""b?'[^']*'?|b?"[^"]*"?|[^\s,;&'"<>(){}\[\]]+""")
# Stricter than `is_secret`, because `PWD`, `DESKTOP_SESSION`, `SSH_AUTH_SOCK` and others have ordinary values.
_SECRET_ENVIRONMENT_NAME = re.compile(r"passw|secret|token|credential|(api|access|private|encryption)_?key")
_URL_PASSWORD = re.compile(r"(?<=://)([^\s/:@]*):[^\s/@]+@")
_TAG = re.compile(r"(<style.*?</style>|<script.*?</script>|</?[\w-]+)", re.DOTALL)
# Shorter values are not hidden, because they are often words of the page itself. In characters.
_MIN_SECRET_LENGTH = 6


def is_secret(name: object) -> bool:
    """Return whether a name of a header field, parameter, setting or variable indicates a secret.

    >>> [name for name in ("X-Auth-Token", "Api-Key", "apikey", "DB_PASSWORD", "author", "key") if is_secret(name)]
    ['X-Auth-Token', 'Api-Key', 'apikey', 'DB_PASSWORD']
    """
    text = str(name)
    if _SECRET_SUBSTRINGS.search(text.lower().replace("-", "_")):
        return True
    words = {word.lower() for word in _WORD.findall(text)}
    return not words.isdisjoint(_SECRET_WORDS) or (len(words) > 1 and not words.isdisjoint(_KEY_WORDS))


def redacted(name: object, value: Any) -> Any:
    """Return a value with secrets hidden, at any depth of mappings and sequences.

    >>> redacted("extra", {"user": 1, "token": "abc"})
    {'user': 1, 'token': '(hidden)'}
    """
    if is_secret(name):
        return HIDDEN
    if isinstance(value, Mapping):
        return {key: redacted(key, item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [redacted("", item) for item in value]
    return without_pairs(value) if isinstance(value, str) else value


def without_pairs(text: str) -> str:
    """Hide values of secret names in a text, such as the `repr()` of a mapping, and passwords in URLs.

    >>> without_pairs("<Header('host': 'h', 'x-api-key': 'abc')>")
    "<Header('host': 'h', 'x-api-key': (hidden))>"
    """
    parts, end = [], 0
    for value in _secret_values(text):
        parts += [text[end : value.start()], HIDDEN]
        end = value.end()
    return _URL_PASSWORD.sub(rf"\1:{HIDDEN}@", "".join([*parts, text[end:]]))


def _secret_values(text: str) -> Iterator[re.Match[str]]:
    """Yield the values of secret names in a text."""
    position = 0
    while (name := _NAME.search(text, position)) is not None:
        # The value of a harmless name may contain pairs: a URL has parameters.
        position = name.end()
        if is_secret(name["name"]) and (value := _VALUE.match(text, position)) is not None:
            position = value.end()
            yield value


def secrets_of(request: Any, messages: Iterable[str] = ()) -> set[str]:
    """Return the secret values of a request, its application's settings and the environment.

    Args:
        request: the request.
        messages: texts with pairs of name and value: exception messages.
    """
    values = set(_request_secrets(request))
    config = getattr(request.app, "config", {})
    values |= {value for name, value in config.items() if isinstance(value, str) and is_secret(name)}
    values |= {value for name, value in os.environ.items() if _SECRET_ENVIRONMENT_NAME.search(name.lower())}
    values |= {value[0].strip("'\"") for value in _secret_values("\n".join(messages))}
    return {value for value in values if len(value) >= _MIN_SECRET_LENGTH}


def _request_secrets(request: Any) -> Iterator[str]:
    for name, value in request.headers.items():
        if not is_secret(name):
            continue
        yield value
        if name.lower() == "cookie":
            yield from (pair.partition("=")[2].strip().strip('"') for pair in value.split(";"))
        scheme, _, credential = value.partition(" ")
        yield credential.strip()
        if scheme.lower() == "basic":
            yield _basic_password(credential)
    # Only the part of the body that the handler has read, because no stack frame contains the rest.
    for fields in (request.args, vars(request).get("parsed_form"), vars(request).get("parsed_json")):
        for name, values in fields.items() if isinstance(fields, Mapping) else ():
            if is_secret(name):
                listed = values if isinstance(values, list) else [values]
                yield from (value for value in listed if isinstance(value, str))


def _basic_password(credential: str) -> str:
    try:
        return b64decode(credential).decode().partition(":")[2]
    except ValueError:
        return ""


def without_secrets(text: str, secrets: Iterable[str], markup: bool = False) -> str:
    """Hide secret values in a text, unescaped or escaped for HTML, JSON or a URL.

    Args:
        text: the page.
        secrets: the values.
        markup: whether the text is HTML, whose styles, scripts and tags are not changed.
    """
    text = _URL_PASSWORD.sub(rf"\1:{HIDDEN}@", text)
    forms = {form for secret in secrets for form in _escaped_forms(secret)}
    if not forms:
        return text
    # The longest first, because one form may be a part of another.
    secret_pattern = re.compile("|".join(map(re.escape, sorted(forms, key=len, reverse=True))))
    if not markup:
        return secret_pattern.sub(HIDDEN, text)
    parts = _TAG.split(text)
    parts[::2] = [secret_pattern.sub(HIDDEN, part) for part in parts[::2]]
    return "".join(parts)


def _escaped_forms(secret: str) -> Iterator[str]:
    yield secret
    yield escape(secret)
    yield escape(secret, quote=False)
    yield json.dumps(secret)[1:-1]
    yield repr(secret)[1:-1]
    yield quote(secret)
    yield quote_plus(secret)


def redact_variables(node: Any) -> None:
    """Hide secret values in the result of `tracerite.extract_chain`: nested lists and dictionaries with `variables`.

    Args:
        node: changed in place. Its structure depends on tracerite's version, the structure of variables does not.
    """
    if isinstance(node, dict):
        if node.get("variables"):
            node["variables"] = [_redacted_variable(variable) for variable in node["variables"]]
        for name, item in node.items():
            if name != "variables":
                redact_variables(item)
    elif isinstance(node, list):
        for item in node:
            redact_variables(item)


# Names of variables that may contain secrets. If the text of such a variable was shortened, its pairs cannot be found,
# and the whole text is hidden.
_CONTAINER_NAMES = frozenset(
    {"args", "config", "cookies", "environ", "form", "headers", "params", "request", "scope", "settings"}
)


def _redacted_variable(variable: Any) -> Any:
    fields = variable if isinstance(variable, dict) else variable._asdict()
    name = str(fields["name"]).rpartition(".")[2]
    value = fields["value"]
    if is_secret(name):
        value = HIDDEN
    elif isinstance(value, dict) and value.get("type") == "keyvalue":
        value = {**value, "rows": [[key, redacted(key, item)] for key, item in value["rows"]]}
    elif isinstance(value, str):
        may_contain_secrets = not _CONTAINER_NAMES.isdisjoint(word.lower() for word in _WORD.findall(name))
        value = HIDDEN if may_contain_secrets and "…" in value else without_pairs(value)
    changed = {"value": value, "format_hint": "inline" if value == HIDDEN else fields["format_hint"]}
    return {**fields, **changed} if isinstance(variable, dict) else variable._replace(**changed)
