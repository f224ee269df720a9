"""HTTP/3 of Sanic's own server."""

from __future__ import annotations

from sanic_star.compat._support.stand_ins import stand_ins

(
    Http3,
    HTTP3Transport,
    HTTPReceiver,
    Receiver,
    SessionTicketStore,
    WebTransportReceiver,
    WebsocketReceiver,
    get_config,
) = stand_ins(
    __name__,
    "Http3",
    "HTTP3Transport",
    "HTTPReceiver",
    "Receiver",
    "SessionTicketStore",
    "WebTransportReceiver",
    "WebsocketReceiver",
    "get_config",
)
