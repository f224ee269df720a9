"""How servers read a proxy's headers: the table of servers in docs/deploy/proxies.md."""

import sys
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.engine.processes import TIMEOUT_S, free_port, is_open, process

SCRIPT = """
from sanic_star import json
app.config.FORWARDED_SECRET = "s3cret"

@app.get("/peer")
async def peer(request):
    return json([request.ip, request.scheme, request.client_ip, request.host])

if __name__ == "__main__":
    app.run(port=int(sys.argv[1]), server=sys.argv[2], single_process=True, motd=False)
"""
HEADERS = {
    "x-forwarded-for": "1.2.3.4",
    "x-forwarded-proto": "https",
    "x-forwarded-host": "forged.test",
    "x-real-ip": "1.2.3.4",
    "forwarded": "for=1.2.3.4;proto=https;host=forged.test",
    "host": "asked.test",
}
GUNICORN = "-m gunicorn -k uvicorn_worker.UvicornWorker -b 127.0.0.1:{port}"
# A command, and whether the server believes `X-Forwarded-For` of a client on this machine.
SERVERS = {
    "app.run": ("served.py {port} uvicorn", False),
    "app.run, hypercorn": ("served.py {port} hypercorn", False),
    "app.run, granian": ("served.py {port} granian", False),
    "uvicorn": ("-m uvicorn --port {port} served:app", True),
    "uvicorn --no-proxy-headers": ("-m uvicorn --no-proxy-headers --port {port} served:app", False),
    "gunicorn": (f"{GUNICORN} served:app", True),
    "gunicorn --forwarded-allow-ips=": (f"{GUNICORN} --forwarded-allow-ips= served:app", False),
    "hypercorn": ("-m hypercorn --bind 127.0.0.1:{port} served:app", False),
    "granian": ("-m granian --interface asgi --port {port} served:app", False),
    "daphne": ("-m daphne -b 127.0.0.1 -p {port} served:app", False),
    "daphne --proxy-headers": ("-m daphne --proxy-headers -b 127.0.0.1 -p {port} served:app", True),
}


def peers(folder: Path, command: str, *headers: dict[str, str]) -> tuple[list[Any], str]:
    port = free_port()
    with process(folder, SCRIPT, sys.executable, *command.format(port=port).split()) as server:
        url = f"http://127.0.0.1:{port}/peer"
        server.until(lambda: is_open(port))
        answers = [requests.get(url, headers=fields, timeout=TIMEOUT_S).json() for fields in headers]
    return answers, server.log


@pytest.mark.parametrize("name", SERVERS)
def test_whose_headers_a_server_believes(tmp_path: Path, name: str) -> None:
    command, believes = SERVERS[name]
    answers, log = peers(tmp_path, command, HEADERS, HEADERS | {"x-forwarded-for": "unknown"})
    ip, unknown = ("1.2.3.4", "unknown") if believes else ("127.0.0.1", "127.0.0.1")
    scheme = "https" if believes else "http"
    assert answers == [[ip, scheme, ip, "asked.test"], [unknown, scheme, unknown, "asked.test"]]
    # daphne trusts them because its user has configured it.
    warned = believes and "daphne" not in name
    assert ("the server itself trusts X-Forwarded-For" in log) == warned


@pytest.mark.parametrize("name", ["uvicorn", "gunicorn"])
def test_the_environment_stops_both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "")
    answers, log = peers(tmp_path, SERVERS[name][0], HEADERS)
    assert answers == [["127.0.0.1", "http", "127.0.0.1", "asked.test"]]
    assert "the server itself trusts" not in log
