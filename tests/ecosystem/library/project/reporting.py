"""Where Sentry's events go: to a file, one line for each."""

import json
import os

from sentry_sdk.transport import Transport


class ToFile(Transport):
    def capture_envelope(self, envelope):
        for item in envelope.items:
            if item.type in ("event", "transaction"):
                event = item.payload.json
                exceptions = (event.get("exception") or {}).get("values") or [{}]
                line = {
                    "kind": item.type,
                    "transaction": event.get("transaction"),
                    "exception": exceptions[-1].get("type"),
                    "value": exceptions[-1].get("value"),
                    "method": (event.get("request") or {}).get("method"),
                    "path": (event.get("request") or {}).get("url", "").partition("://")[2].partition("/")[2],
                    "logger": event.get("logger"),
                }
                # One write, of which the system makes one piece: several workers share the file.
                with open(os.environ["LIBRARY_EVENTS"], "ab", buffering=0) as file:
                    file.write(json.dumps(line).encode() + b"\n")
