"""Credentials are hidden on error pages, in every format, by the names of values."""

from __future__ import annotations

import os
from typing import Any

import pytest

from sanic_star import Sanic
from sanic_star.compat._support.redaction import HIDDEN, is_secret, redacted, without_pairs, without_secrets
from sanic_star.compat.exceptions import SanicException
from sanic_star.testing import TestClient

SECRET = (
    *("Authorization", "Proxy-Authorization", "X-Forwarded-Authorization", "Cookie", "Set-Cookie", "X-Auth-Token"),
    *("Api-Key", "X-Api-Key", "apikey", "APIKEY", "X-API-KEY", "api_key", "X-Auth-Key", "Ocp-Apim-Subscription-Key"),
    *("X-Access-Token", "accessToken", "access_token", "refresh-token", "Private-Token", "X-Vault-Token", "id_token"),
    *("X-CSRF-Token", "csrfmiddlewaretoken", "X-XSRF-TOKEN", "X-Amz-Security-Token", "Cf-Access-Jwt-Assertion"),
    *("X-Hub-Signature-256", "Stripe-Signature", "sessionid", "PHPSESSION", "session_id", "X-Session", "connect.sid"),
    *("password", "passwd", "db_password", "userPassword", "PASSPHRASE", "user.pass", "MYSQL_PWD", "new-password"),
    *("secret", "SECRET_KEY", "client_secret", "FORWARDED_SECRET", "credentials", "aws_secret_access_key", "otp"),
    *("private_key", "signing-key", "oauth", "bearer", "jwt", "X-Client-Cert", "SENTRY_DSN", "Authentication"),
    *("X-Shopify-Hmac-Sha256", "X-Passcode", "passcode"),
)
HARMLESS = (
    *("Host", "Accept", "User-Agent", "Content-Type", "X-Forwarded-For", "X-Request-ID", "Referer", "ETag", "Range"),
    *("author", "authority", "key", "keyword", "monkey", "keyboard", "spin", "compass", "bypass", "passenger", "user"),
    *("KEEP_ALIVE", "REQUEST_TIMEOUT", "page", "name", "sidebar", "certain", "PWDLESS", "", "1"),
)


@pytest.mark.parametrize("name", SECRET)
def test_a_name_of_a_credential(name: str) -> None:
    assert is_secret(name)


@pytest.mark.parametrize("name", HARMLESS)
def test_a_harmless_name(name: str) -> None:
    assert not is_secret(name)


def test_mappings_are_redacted_at_any_depth() -> None:
    value = {"user": {"name": "ann", "password": "a"}, "list": [{"token": "b"}], "url": "db://ann:c@h/x", "number": 1}
    assert redacted("extra", value) == {
        "user": {"name": "ann", "password": HIDDEN},
        "list": [{"token": HIDDEN}],
        "url": f"db://ann:{HIDDEN}@h/x",
        "number": 1,
    }


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<Header('host': 'h', 'x-api-key': 'a b')>", "<Header('host': 'h', 'x-api-key': (hidden))>"),
        ("{'password': 'it\\'s'}", "{'password': (hidden)s'}"),
        ("token=abc&page=2", "token=(hidden)&page=2"),
        ("[('cookie', 'a=1'), ('host', 'h')]", "[('cookie', (hidden)), ('host', 'h')]"),
        ("'authorization': 'Bearer abc", "'authorization': (hidden)"),
        ("[(b'x-auth-token', b'abc')]", "[(b'x-auth-token', (hidden))]"),
        ("https://ann:abc@host/?a=1", "https://ann:(hidden)@host/?a=1"),
        ("nothing: special", "nothing: special"),
        ("http://h/?access_token=abc&a=b", f"http://h/?access_token={HIDDEN}&a=b"),
        ("next=http://h/?token=abc", f"next=http://h/?token={HIDDEN}"),
        ("{'referer': 'https://h/cb?code=1&id_token=abc'}", f"{{'referer': 'https://h/cb?code=1&id_token={HIDDEN}'}}"),
        ("reason: password=ab?cd", f"reason: password={HIDDEN}"),
    ],
)
def test_pairs_in_a_text(text: str, shown: str) -> None:
    assert without_pairs(text) == shown


def test_a_long_text_is_read_in_linear_time() -> None:
    # A pattern that backtracks would take hours.
    for text in ("x" * 1_000_000, "x " * 500_000, "a=" * 500_000, "'" * 1_000_000, "://" * 300_000, ": " * 500_000):
        without_pairs(text)


def test_markup_is_unchanged() -> None:
    page = '<section class="section"><style>section{}</style><p title="section">section</p></section>'
    assert without_secrets(page, {"section"}, markup=True) == (
        f'<section class="{HIDDEN}"><style>section{{}}</style><p title="{HIDDEN}">{HIDDEN}</p></section>'
    )
    assert without_secrets("a &lt;b&gt; %3Cb%3E <b>", {"<b>"}) == f"a {HIDDEN} {HIDDEN} {HIDDEN}"


VALUES = {
    "headers": ("header-1-value", "header-2-value", "basic-password"),
    "cookies": ("cookie-value-1",),
    "query": ("query-value-1",),
    "form": ("form-value-11",),
    "config": ("config-value-1",),
    "environment": ("environment-value",),
    "extra": ("extra-" + "value-1",),
}


@pytest.mark.parametrize("accept", ["text/html", "application/json", "text/plain"])
def test_no_format_shows_credentials(accept: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_API_KEY", VALUES["environment"][0])
    app: Sanic[Any, Any] = Sanic("Redacted")
    app.debug = True
    app.config.DB_PASSWORD = VALUES["config"][0]

    @app.post("/")
    async def fail(request: Any) -> Any:
        headers, cookies, form, config, environment = (
            request.headers, request.cookies, request.form, request.app.config, os.environ,
        )  # fmt: skip
        token = headers["x-auth-token"]
        data = {"password": form.get("password"), "user": "ann"}
        values = [*headers.values(), cookies.get("theme"), data, request.args]
        values += [config.DB_PASSWORD, environment["SHOP_API_KEY"]]
        raise SanicException(f"{token} {values}", extra={"api_key": "-".join(["extra", "value", "1"]), "n": "shown"})

    with TestClient(app) as client:
        page = client.post(
            f"/?access_token={VALUES['query'][0]}&page=2",
            data={"password": VALUES["form"][0]},
            headers={
                "Accept": accept,
                "X-Auth-Token": VALUES["headers"][0],
                "Api-Key": VALUES["headers"][1],
                "Authorization": "Basic YW5uOmJhc2ljLXBhc3N3b3Jk",
                "Cookie": f"theme={VALUES['cookies'][0]}",
            },
        ).text
    assert [value for values in VALUES.values() for value in values if value in page] == []
    assert "YW5uOmJhc2ljLXBhc3N3b3Jk" not in page
    assert HIDDEN in page
    assert "shown" in page
    # It is the page for debugging, and what it is for is still there.
    assert "fail" in page
    assert ("tracerite" in page) == (accept == "text/html")


def test_messages_meant_for_the_client_are_shown() -> None:
    app: Sanic[Any, Any] = Sanic("Told")
    app.config.FALLBACK_ERROR_FORMAT = "json"

    @app.get("/")
    async def fail(request: Any) -> Any:
        raise SanicException("no", context={"token": "told"})

    with TestClient(app) as client:
        for app.debug in (False, True):
            assert client.get("/").json()["context"] == {"token": "told"}


def test_a_websocket_path_and_a_long_cookie_are_not_server_errors(caplog: pytest.LogCaptureFixture) -> None:
    app: Sanic[Any, Any] = Sanic("Quiet")

    @app.websocket("/ws")
    async def ws(request: Any, ws: Any) -> None: ...

    @app.get("/")
    async def cookies(request: Any) -> Any:
        return request.cookies

    with TestClient(app) as client:
        assert client.get("/ws").status_code == 426
        assert client.get("/", headers={"cookie": "a=" + "1" * 20_000}).status_code == 431
    assert [record for record in caplog.records if record.name == "sanic.error"] == []
