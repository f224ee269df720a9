"""Serve one contender on one core until a signal stops it.

The command is `python -m benchmarks.serve CONTENDER CORE SECONDS FACTORY ARGUMENT…`.

Everything on uvicorn gets the same options. The port is chosen by the system and printed; an alarm ends the process
after SECONDS, even if its parent process has ended.
"""

import logging
import os
import signal
import socket
import sys

from benchmarks.contenders import CONTENDERS


def main(name: str, core: str, seconds: str, factory: str, *arguments: str) -> None:
    """Serve what `factory` of the contender `name` makes on `core` ("" for any), for at most `seconds`."""
    signal.alarm(int(seconds))
    if core:
        os.sched_setaffinity(0, {int(core)})
    contender = CONTENDERS[name]
    app = contender.make(factory, *arguments)
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    print(listener.getsockname()[1], flush=True)
    if contender.own_server:
        logging.disable(logging.WARNING)
        app.run(sock=listener, single_process=True, access_log=False, motd=False)
    else:
        import uvicorn

        config = uvicorn.Config(app, loop="uvloop", http="httptools", access_log=False, log_level="warning")
        uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main(*sys.argv[1:])
