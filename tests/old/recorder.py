# ruff: noqa: UP006, UP035, UP045
"""Serve one source with the installed Sanic, send it requests over a socket, and print the answers.

It runs old releases of Sanic too, on the interpreters of their time: it is written for Python 3.6, and imports nothing
of this repository. Its input, on stdin, is JSON: a list of jobs, each with a `source` that creates an `app`, and
`requests`. Its output is JSON, too: for each job the answers, and the warnings, each with its text, its class, and
whether it pointed at the source.
"""

import http.client
import http.cookies
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import warnings
from typing import Any, Dict, List, Optional

THIS_FILE = os.path.abspath(__file__)
# The time limits for a server's start and for an answer, in seconds.
START_S, ANSWER_S = 60, 60
# Header fields about the framing of an answer, and fields that servers add.
SERVERS_OWN = ("connection", "keep-alive", "content-length", "transfer-encoding", "date", "server")
READY = "/__ready__"
SERVE = "--serve"


def serve(path: str, port: int) -> None:
    """Serve the source in a file until the process is ended.

    Args:
        path: the file.
        port: the port to listen on.
    """
    import inspect

    with open(path) as file:
        source = file.read()
    recorded: List[Any] = []

    def note(message: Any, category: Any, filename: str, *details: Any) -> None:
        recorded.append([str(message), category.__name__, filename == path])
        with open(path + ".warnings", "w") as file:
            json.dump(recorded, file)

    warnings.simplefilter("always")
    warnings.showwarning = note  # type: ignore[assignment]
    # Imported under its own name as a module is: some releases look at the caller's frame.
    # Where the extensions are installed, applications with other prefixes of environment variables would load them.
    sys.modules["sanic_ext"] = None  # type: ignore[assignment]
    names: Dict[str, Any] = {"__name__": "served", "__file__": path}
    exec(compile(source, path, "exec"), names)
    from sanic import response

    async def ready(request: Any) -> Any:
        return response.text("ready")

    app = names["app"]
    app.add_route(ready, READY)
    options: Dict[str, Any] = {"host": "127.0.0.1", "port": port}
    parameters = inspect.signature(app.run).parameters
    if "access_log" in parameters or hasattr(app, "prepare"):
        options["access_log"] = False
    if "single_process" in parameters:
        options.update(single_process=True, motd=False)
    # The idiom under test may be the way of running: then the source has a function `run`.
    names.get("run", app.run)(**options)


def cookie(line: str) -> List[Any]:
    """Return a `Set-Cookie` field as a name, a value and attributes; their order does not matter."""
    pair, _, attribute_text = line.partition(";")
    name, _, value = pair.partition("=")
    attributes: Dict[str, Any] = {}
    for part in attribute_text.split(";") if attribute_text else []:
        key, is_pair, text = part.strip().partition("=")
        attributes[key.lower()] = text if is_pair else True
    return [name.strip(), value, attributes]


def listen(port: int, path: str) -> Dict[str, Any]:
    """Open a websocket, and return the first message, a short text (RFC 6455, section 5.2).

    Args:
        port: the port of the server.
        path: the path.
    """
    fields = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=ANSWER_S) as connection:
        head = "GET " + path + " HTTP/1.1\r\nHost: localhost\r\n" + fields + key + "\r\n"
        connection.sendall(head.encode())
        received = b""
        while b"\r\n\r\n" not in received:
            part = connection.recv(4096)
            if not part:
                return {"status": 0, "body": received.decode("latin-1")}
            received += part
        head, _, body = received.decode("latin-1").partition("\r\n\r\n")
        while len(body) < 2 or len(body) < 2 + ord(body[1]):
            part = connection.recv(4096)
            if not part:
                break
            body += part.decode("latin-1")
    return {"status": int(head.split(" ")[1]), "body": body[2 : 2 + ord(body[1])] if len(body) > 1 else ""}


def ask(port: int, step: Dict[str, Any]) -> Dict[str, Any]:
    """Send one request, and return its answer.

    Args:
        port: the port of the server.
        step: `method`, `path`, `headers` and `body`; or `path` and `websocket`.
    """
    if step.get("websocket"):
        return listen(port, step["path"])
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_S)
    try:
        body = step.get("body")
        data = body.encode("latin-1") if body is not None else None
        connection.request(step.get("method", "GET"), step["path"], data, step.get("headers", {}))
        answer = connection.getresponse()
        received = answer.read()
        headers = [(name.lower(), value) for name, value in answer.getheaders()]
    finally:
        connection.close()
    result: Dict[str, Any] = {"status": answer.status, "body": received.decode("latin-1")}
    cookies = sorted((cookie(value) for name, value in headers if name == "set-cookie"), key=json.dumps)
    others = sorted([name, value] for name, value in headers if name not in SERVERS_OWN and name != "set-cookie")
    if answer.status >= 400:
        # Error pages differ from release to release.
        others = [field for field in others if field[0].startswith("x-")]
        if not step.get("keep_body"):
            result["body"] = ""
    if others:
        result["headers"] = others
    if cookies:
        result["cookies"] = cookies
    return result


def free_port() -> int:
    """Return an unused port."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port: int = bound.getsockname()[1]
        return port


def wait(process: Any, port: int) -> Optional[str]:
    """Wait for a server; return why it does not answer, `None` if it does.

    Args:
        process: the server's process.
        port: its port.
    """
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            return "ended"
        try:
            if ask(port, {"path": READY})["status"] == 200:
                return None
        except OSError:
            pass
        time.sleep(0.05)
    return "silent"


def record(job: Dict[str, Any]) -> Dict[str, Any]:
    """Return the outcome of one source: its answers, or the exception that ended it.

    Args:
        job: `source`, `requests`, and `env` with environment variables.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "served.py")
        with open(path, "w") as file:
            file.write(job["source"])
        with open(os.path.join(folder, "log"), "w+b") as log:
            port = free_port()
            process = subprocess.Popen(
                [sys.executable, *job.get("with", []), THIS_FILE, SERVE, path, str(port)],
                stdout=log,
                stderr=log,
                cwd=folder,
                env={**os.environ, **job.get("env", {})},
            )
            try:
                reason = wait(process, port)
                if reason is None:
                    result: Dict[str, Any] = {"answers": [ask(port, step) for step in job["requests"]]}
                    if os.path.exists(path + ".warnings"):
                        with open(path + ".warnings") as file:
                            result["warnings"] = json.load(file)
                    return result
                log.seek(0)
                text = log.read().decode("utf-8", "replace").strip()
                errors = re.findall(r"^([\w.]+(?:Error|Exception|Exists|NotExist|Warning)\b.*)$", text, re.MULTILINE)
                return {"raises": errors[-1] if errors else reason + ": " + text[-200:]}
            finally:
                process.send_signal(signal.SIGKILL)
                process.wait()


if __name__ == "__main__":
    if sys.argv[1:2] == [SERVE]:
        sys.argv[:1] = []
        serve(sys.argv[1], int(sys.argv[2]))
    else:
        json.dump([record(job) for job in json.load(sys.stdin)], sys.stdout)
