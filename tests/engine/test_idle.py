"""Idle websockets set no timer: an application that only holds them open uses no CPU time of its own."""

import socket
from functools import partial
from pathlib import Path

from websockets.sync.client import connect

from tests.engine.processes import TIMEOUT_S, process

SCRIPT = """
import threading

app.config.update(USE_UVLOOP=False, AUTO_EXTEND=False, WEBSOCKET_PING_INTERVAL=None)

@app.websocket("/ws")
async def ws(request, ws):
    say("websocket is open")
    async for message in ws:
        await ws.send(message)

def report(loop):
    timers = [timer for timer in loop._scheduled if not timer.cancelled()]
    own = [timer for timer in timers if "sanic_star" in str(getattr(timer._callback, "__module__", ""))]
    say("timers:", len(own), *own)

@app.after_server_start
async def begin(app):
    # A thread: its timer is none of the event loop's.
    def repeat():
        while True:
            time.sleep(0.1)
            app.loop.call_soon_threadsafe(report, app.loop)
    threading.Thread(target=repeat, daemon=True).start()

if __name__ == "__main__":
    app.run(port=0, motd=False, single_process=True)
"""


def test_idle_websockets_set_no_timer(tmp_path: Path) -> None:
    with process(tmp_path, SCRIPT) as serving:

        def reports(since: int) -> list[str]:
            return [line for line in serving.lines[since:] if line.startswith("timers: ")]

        def settled(since: int) -> bool:
            return reports(since)[-20:] == ["timers: 0\n"] * 20

        serving.until(lambda: settled(0))
        with connect(f"ws://127.0.0.1:{serving.port}/ws") as websocket:
            for number in range(2):
                websocket.send(str(number))
                assert websocket.recv(TIMEOUT_S) == str(number)
                serving.until(partial(settled, len(serving.lines)))
        # A connection that has sent no request has a time limit, and so there is a timer while it is open.
        with socket.create_connection(("127.0.0.1", serving.port), TIMEOUT_S):
            began = len(serving.lines)
            serving.until(lambda: any(line.startswith("timers: 1") for line in reports(began)))
        serving.until(partial(settled, len(serving.lines)))
