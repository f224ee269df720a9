"""Django: its ASGI application mounted, with a form, a session and an upload."""

from __future__ import annotations

from typing import Any

import django
import pytest
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.urls import path, reverse

from tests.ecosystem.asgi.sites import client, site

# Its signal handlers ask `asyncio` for what newer versions of Python deprecate.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:asgiref", "ignore::DeprecationWarning:django")


async def show(request: HttpRequest, number: int) -> HttpResponse:
    """Answer with what the request says of itself."""
    return JsonResponse({"number": number, "path": request.path, "url": reverse("show", args=[number])})


def send(request: HttpRequest) -> HttpResponse:
    """Take a form with a file, and count in the session."""
    if request.method == "GET":
        return HttpResponse(get_token(request))
    request.session["count"] = request.session.get("count", 0) + 1
    return JsonResponse([request.session["count"], request.POST["name"], request.FILES["file"].size], safe=False)


def fail(request: HttpRequest) -> HttpResponse:
    """Raise an exception."""
    raise ValueError("Django fails")


urlpatterns = [path("show/<int:number>/", show, name="show"), path("send/", send), path("fail/", fail)]


@pytest.fixture(scope="module")
def application() -> Any:
    settings.configure(
        SECRET_KEY="s" * 50,
        ROOT_URLCONF=__name__,
        ALLOWED_HOSTS=["test"],
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.common.CommonMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
        ],
        INSTALLED_APPS=["django.contrib.sessions"],
        SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
    )
    django.setup()
    return get_asgi_application()


async def test_mounted(how: str, application: Any) -> None:
    """Sync and async views, URLs, a redirect, a form with CSRF token, session and upload; 403, 404 and 500."""
    app = site(how, mounts=False)
    app.mount("/django", application)
    async with client(app) as asking:
        shown = await asking.get("/django/show/5/")
        assert shown.json() == {"number": 5, "path": "/django/show/5/", "url": "/django/show/5/"}
        redirected = await asking.get("/django/show/5")
        assert (redirected.status_code, redirected.headers["location"]) == (301, "/django/show/5/")
        token = (await asking.get("/django/send/")).text
        files = {"file": ("a.bin", b"x" * 100_000)}
        for count in (1, 2):
            sent = await asking.post("/django/send/", data={"name": "Ann", "csrfmiddlewaretoken": token}, files=files)
            assert sent.json() == [count, "Ann", 100_000]
        refused = await asking.post("/django/send/", data={"name": "Ann"}, files=files)
        assert refused.status_code == 403
        assert (await asking.get("/django/none/")).status_code == 404
        assert (await asking.get("/django/fail/")).status_code == 500
        assert (await asking.get("/items/5")).json() == 5
