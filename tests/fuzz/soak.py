"""Many mixed requests to one server, whose memory must not grow.

`python -m tests.fuzz.soak --requests 300000` prints the resident memory of the server after each twentieth of them. It
fails if the second half of the run needs more memory than the first, beyond the usual noise, or if tasks, descriptors,
temporary files or requests in flight remain.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path
from random import Random

from tests.fuzz.serving import SERVERS, Served
from tests.fuzz.wire import TEMPLATES, Request, exchange, handshake, pipelined, send_all

STEPS = 20
# The share by which the median of the second half may exceed that of the first: the allocator's noise is smaller.
MAX_GROWTH = 0.03
# One of this many requests is malformed, on its own connection.
REQUESTS_PER_MALFORMED = 50


async def send_on_one_connection(port: int, requests: list[bytes]) -> int:
    """Send requests one after the other on one connection; return the number of answers."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answered = 0
    try:
        for data in requests:
            writer.write(data)
            head = await reader.readuntil(b"\r\n\r\n")
            fields = head.lower()
            if data.startswith(b"HEAD") or head[9:12] in (b"204", b"304"):
                pass
            elif b"transfer-encoding: chunked" in fields:
                while size := int(await reader.readuntil(b"\r\n"), 16):
                    await reader.readexactly(size + 2)
                await reader.readuntil(b"\r\n")
            elif b"content-length: " in fields:
                await reader.readexactly(int(fields.partition(b"content-length: ")[2].split(b"\r\n")[0]))
            answered += 1
            if b"connection: close" in fields:
                break
    except (OSError, asyncio.IncompleteReadError):
        pass
    finally:
        writer.close()
    return answered


def keep_alive_requests(random: Random, count: int) -> list[bytes]:
    """Return valid requests that keep their connection open."""
    # Only templates with one answer for each request: no pipelines and no websockets.
    templates = [template for template in TEMPLATES if template not in (handshake, pipelined)]
    requests = (random.choice(templates)(random) for _ in range(count))
    return [data.replace(b"connection: close\r\n", b"").replace(b"HTTP/1.0", b"HTTP/1.1") for data in requests]


async def send_mixed(port: int, random: Random, count: int, at_once: int = 16) -> int:
    """Send `count` requests; return the number of answers."""
    malformed = [
        request
        for request in exchange(random.randrange(2**32), count // REQUESTS_PER_MALFORMED)
        if not request.is_unchanged
    ]
    share = (count - len(malformed)) // at_once
    pool = keep_alive_requests(random, 500)

    async def client(own: Random) -> int:
        left, answered = share, 0
        while left > 0:
            number = await send_on_one_connection(port, own.choices(pool, k=min(left, 100)))
            answered += number
            # A request is lost if its connection ends without an answer.
            left -= max(number, 1)
        return answered

    async def send_malformed(requests: list[Request]) -> int:
        return sum(reply.status > 0 for reply in await send_all(port, requests, 4))

    own = [Random(random.randrange(2**32)) for _ in range(at_once)]
    return sum(await asyncio.gather(send_malformed(malformed), *map(client, own)))


def main() -> int:
    """Run the command; the exit status is 1 if memory or another number has grown."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.soak", description=__doc__)
    parser.add_argument("--requests", type=int, default=300_000)
    parser.add_argument("--server", choices=SERVERS, default="app.run")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    random = Random(options.seed)
    resident: list[int] = []
    with tempfile.TemporaryDirectory(prefix="soak-") as directory, Served(options.server, Path(directory)) as served:
        asyncio.run(send_mixed(served.port, random, 2000))
        before, start, answered = served.state(), time.monotonic(), 0
        for number in range(1, STEPS + 1):
            answered += asyncio.run(send_mixed(served.port, random, options.requests // STEPS))
            resident.append(served.state()["resident"])
            print(f"{number * 100 // STEPS:3} %  {answered:7} answers  {resident[-1] / 2**20:6.1f} MB", flush=True)
        seconds = time.monotonic() - start
        wrong = served.wait_until_settled(before)
    first, second = (statistics.median(half) for half in (resident[: STEPS // 2], resident[STEPS // 2 :]))
    growth = second / first - 1
    print(f"{answered} answers in {seconds:.0f} s; the second half needs {growth:+.1%} of the first half's memory")
    print(*wrong, sep="\n")
    return growth > MAX_GROWTH or bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
