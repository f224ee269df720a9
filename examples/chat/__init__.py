"""Chat rooms with the hub, websockets, and server-sent events for clients that cannot open a websocket."""
